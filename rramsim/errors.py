"""The errors a user can mend; the command line turns each into one message and exit code 2."""


class InputError(ValueError):
    """Something a user gave cannot be used.

    The message is one sentence (or two) that says where (file, row, column), what was found
    and what is accepted. It is shown as it is, without a traceback.

    Examples
    --------
    >>> import rramsim
    >>> try:
    ...     rramsim.IidFaults(1.5)
    ... except rramsim.InputError as error:
    ...     print(error)
    The BER is 1.5; a number from 0 to 1 is needed.
    """

"""What do counts, percentiles or moments tell where there are no readings?"""

"""Throw hostile inputs at the command: each must end with an answer or with one message.

Run by hand, from the root of the repository, on Linux:

    python tests/hostile_inputs.py --count 500 --seed 1

Files (measurements, conditions, study files, models, images, reads of chips) are mutated, options
get values that nobody means, and the surroundings (encodings, a full or closed stdout, signals,
folders that cannot be written) are against it. Each input is one process, forked from this one once
everything is loaded. It passes with exit code 0, 2, 130, 143 or, where nobody reads its output,
141, without a traceback, within 20 s of processor time and 2 GB of memory.
"""

import argparse
import gzip
import io
import json
import os
import random
import resource
import shutil
import signal
import struct
import sys
import tempfile
import time
import traceback
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

import rramsim
from rramsim.cli import main
from rramsim.cli.app import app

# A module that is compiled where files may not be long would be cut off in the cache of all.
sys.dont_write_bytecode = True

EXIT_CODES = (0, 2, 130, 141, 143)
SECONDS, BYTES, PATIENCE = 20.0, 2_000_000_000, 240.0

CELLS = "condition,cell,LRS (kOhm),HRS (kOhm)\n" + "".join(
    f"55 uA,{cell},{5 + cell % 7}.{cell % 10},{90 + 17 * cell % 400}\n" for cell in range(1, 25)
)
ENERGIES = """[[condition]]
name = "55 uA"
set_energy = "20 pJ"
reset_energy = "22 pJ"
endurance = 1e6
"""
STUDY = """conditions = "table1"
only = ["weak"]
network = "64-16-10"
training_bers = [0.0]
curve_bers = [0.1]
epochs = 1
trainings = 1
chips = 2
protections = ["none"]
reestimate = false
"""
REST = """seed = 3
tolerance = 0.02
chip_yield = 0.9
energy_budget = "5 uJ"
tile_word_lines = 64
[use]
lrs_share = 0.5
read_pulse = "0.2 V, 10 ns"
[circuits]
sense_amplifier = "0.1 pJ"
"""
VALUES = [
    *(
        "",
        " ",
        "-1",
        "0",
        "nan",
        "inf",
        "-inf",
        "1e400",
        "1e-320",
        "9" * 5000,
        "0x10",
        "1_000",
        "½",
    ),
    *("\x1b[31mred", "a\nb", "=1+1", "@SUM(1)", "../../x", "/", "/dev/null", "a" * 4000, "[", "{}"),
    *(
        "1e9 ohm",
        "5 kOhm kOhm",
        "-5 kOhm",
        "0 V, 0 s",
        "1 V,,",
        "(((",
        "%s",
        "{0}",
        "ü",
        "\u202eabc",
    ),
    *(
        "none,none",
        "2T2R",
        "secded(0,0)",
        "bch(1,1,1)",
        "verify(-1)",
        "2-",
        "-2",
        "9-1",
        "=",
        "a=",
        "=b",
    ),
    *(
        "1000000000",
        "99999999999",
        "64-99999999999-10",
        "0.5",
        "1.5",
        "utf-7",
        "rot13",
        "zip",
        "idna",
    ),
]
TEXTS = [
    *(
        b"\x00",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b'"',
        b",",
        b";",
        b"\t",
        b"\r",
        b"\n\n",
        b"\x1a",
        b"\x1b[2J",
    ),
    *(
        b"nan",
        b"1e999",
        b"-",
        b"9" * 400,
        b"1,234.5",
        b"1.234,5",
        b"OVLD",
        b"9.9E37",
        b"=A1",
        b"#",
        b"(((",
    ),
    *("µΩ".encode(), "\u202e".encode(), b"\xc3", b" " * 5000, b"[" * 3000, b"a." * 3000, b"(kOhm)"),
]


class Makers:
    """What is thrown: each maker returns the arguments of a command, in an empty folder."""

    def __init__(self, chance, seeds):
        self.chance, self.seeds = chance, seeds

    def mutated(self, content):
        """Return content with some places changed, cut, repeated or filled with odd texts."""
        data = bytearray(content)
        for _ in range(self.chance.choice([1, 1, 2, 5, 20])):
            place = self.chance.randrange(len(data) + 1)
            kind = self.chance.randrange(6)
            if kind == 0 and data:
                data[place % len(data)] ^= 1 << self.chance.randrange(8)
            elif kind == 1:
                data[place:place] = self.chance.choice(TEXTS)
            elif kind == 2:
                del data[place : place + self.chance.choice([1, 8, 300])]
            elif kind == 3:
                data[place:place] = data[place : place + 200] * self.chance.choice([1, 3, 200])
            elif kind == 4:
                data[place : place + 64] = bytes(len(data[place : place + 64]))
            else:
                del data[place:]
        return bytes(data)

    def file(self, name, content):
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return name

    def measurements(self):
        kind = self.chance.choice(
            ["csv", "csv", "xlsx", "nc", "gz", "toml", "wide", "long", "bomb"]
        )
        extra = []
        if kind == "csv":
            file = self.file("cells.csv", self.mutated(CELLS.encode()))
        elif kind in ("xlsx", "nc"):
            file = self.file(f"cells.{kind}", self.mutated(self.seeds[kind]))
        elif kind == "gz":
            packed = gzip.compress(self.chance.choice([CELLS.encode(), bytes(3 * 10**8)]), 1)
            file = self.file("cells.csv.gz", self.chance.choice([packed, self.mutated(packed)]))
        elif kind == "toml":
            file = self.file("a/cells.csv", CELLS.encode())
            self.file("a/set.toml", self.mutated(b'file = "*"\n[map]\nx = "R [ohm]"\n'))
        elif kind == "wide":
            number = self.chance.choice([300, 5000, 10**6])
            file = self.file("cells.csv", (",".join(["5"] * number) + "\n").encode() * 2)
        elif kind == "long":
            row = self.chance.choice([b"55 uA,1,5,90\n", b"\n", b",,,\n", b"a,b\n", b'"\n'])
            rows = self.chance.choice([10**4, 10**6])
            file = self.file("cells.csv", CELLS.encode() + row * rows)
        else:
            file = self.workbook()
        command = self.chance.choice([("fit",), ("fit", "--json"), ("fit", "--verbose")])
        if self.chance.random() < 0.2:
            extra = ["--report", "out", "-o", "c.nc", "--plot", "p.svg"]
        return [*command, file, *extra]

    def workbook(self):
        """Write a workbook that is short, with a cell far out or much that is packed."""
        with zipfile.ZipFile("cells.xlsx", "w", zipfile.ZIP_DEFLATED) as changed:
            for name, part in self.seeds["parts"].items():
                if name.endswith("sheet1.xml"):
                    cell = self.chance.choice(["A999999999", "XFD1", "XFD1048576", "ZZZZZZ1", "A0"])
                    part = part.replace(b'r="A1"', f'r="{cell}"'.encode())
                    digits = cell.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
                    part = part.replace(b'<row r="1"', f'<row r="{digits}"'.encode())
                    part += b" " * self.chance.choice([0, 10**8, 10**9 // 2])
                changed.writestr(name, part)
        return "cells.xlsx"

    def conditions(self):
        self.file("cells.csv", CELLS.encode())
        kind = self.chance.choice(["toml", "toml", "csv", "nc", "deep", "digits"])
        content = {
            "toml": lambda: self.mutated(ENERGIES.encode()),
            "csv": lambda: self.mutated(b"condition,set energy (pJ),ber\n55 uA,20,1e-3\n"),
            "nc": lambda: self.mutated(self.seeds["conditions"]),
            "deep": lambda: b"a = " + b"[" * self.chance.choice([50, 2000, 10**5]),
            "digits": lambda: b"a = " + b"9" * self.chance.choice([100, 5000, 10**5]),
        }[kind]()
        suffix = kind if kind in ("csv", "nc") else "toml"
        file = self.file(f"energies.{suffix}", content)
        return self.chance.choice(
            [
                ["fit", "cells.csv", "--conditions", file],
                ["tradeoff", "--conditions", file, "--out", "out"],
                ["evaluate", self.seeds["model"], "--conditions", file, "--chips", "2"],
            ]
        )

    def study(self):
        """A study file whose studies stay small: what is whole is a long study, and no fault."""
        lines, rest = STUDY.splitlines(), REST.encode()
        if self.chance.random() < 0.5:
            rest = self.mutated(rest)
        else:
            place = self.chance.randrange(len(lines))
            key = lines[place].split(" = ")[0]
            value = json.dumps(self.chance.choice(VALUES))
            odd = ["[]", "{}", "-1", "1e999", "nan", "true", "[[1]]", "9" * 30, value]
            lines[place] = f"{key} = {self.chance.choice(odd)}"
        file = self.file("study.toml", "\n".join(lines).encode() + b"\n" + rest)
        return ["tradeoff", file, "--out", "out"]

    def model(self):
        content = self.seeds["model bytes"]
        kind = self.chance.randrange(4)
        if kind == 0:
            content = struct.pack("<Q", self.chance.choice([0, 2**63, 10**9, 7])) + content[8:]
        elif kind == 1:
            header = b'{"__metadata__": {"rramsim": "' + b"[" * 10**5 + b'"}}'
            content = struct.pack("<Q", len(header)) + header
        else:
            content = self.mutated(content)
        file = self.file("model.safetensors", content)
        return self.chance.choice(
            [
                ["evaluate", file, "--ber", "0.1", "--chips", "2"],
                ["export", file, "--tile", "16x16", "--out", "tiles"],
                ["energy", file],
            ]
        )

    def chip(self):
        reads = b"layer,tile,word_line,bit_line,bit\n" + b"".join(
            b"1,0,%d,%d,%d\n" % (row, column, (row + column) % 2)
            for row in range(16)
            for column in range(16)
        )
        maps = b"layer,neuron,input\n1,0,3\n1,2,5\n2,1,1\n"
        model = self.seeds["model"]
        tiles = ["--tiles", self.seeds["tiles"]]
        if self.chance.random() < 0.5:
            file = self.file("reads.csv", self.mutated(reads))
            return ["evaluate", model, "--read-back", file, *tiles, "--missing", "worst"]
        file = self.file("map.csv", self.mutated(maps))
        return ["evaluate", model, "--error-map", file, "--chips", "2"]

    def images(self):
        size = self.chance.choice([(8, 8), (1, 1), (12000, 12000), (30000, 1)])
        for part in ("train", "test"):
            for kind in ("a", "b"):
                folder = Path("set", part, kind)
                folder.mkdir(parents=True)
                Image.new(self.chance.choice(["L", "1"]), size).save(folder / "1.png")
        odd = Path("set/train/a/1.png")
        kind = self.chance.randrange(4)
        if kind == 0:
            odd.write_bytes(self.mutated(odd.read_bytes()))
        elif kind == 1:
            odd.unlink()
            os.mkfifo(odd)
        elif kind == 2:
            shutil.rmtree("set")
            big = struct.pack(
                ">IIII", 0x803, *self.chance.choice([(10**9, 28, 28), (0, 0, 0), (2, 8, 8)])
            )
            labels = struct.pack(">II", 0x801, 2) + bytes([0, 1])
            names = (
                "train-images-idx3",
                "train-labels-idx1",
                "t10k-images-idx3",
                "t10k-labels-idx1",
            )
            for name, content in zip(names, (big + bytes(128), labels) * 2, strict=True):
                self.file(f"set/{name}-ubyte", self.mutated(content))
        return ["train", "--images", "set", "--epochs", "1", "--out", "nets"]

    def option(self):
        """One option of one command with a value that nobody means."""
        self.file("cells.csv", CELLS.encode())
        self.file("study.toml", STUDY.encode())
        model = self.seeds["model"]
        base = {
            "fit": ["fit", "cells.csv"],
            "tradeoff": ["tradeoff", "study.toml", "--out", "out"],
            "train": ["train", "--network", "64-16-10", "--epochs", "1", "--out", "nets"],
            "evaluate": ["evaluate", model, "--ber", "0.1", "--chips", "2"],
            "export": ["export", model, "--out", "tiles"],
            "energy": ["energy", model],
            "compare": ["compare", "a", "b"],
        }
        name = self.chance.choice(list(base))
        options = self.seeds["options"][name]
        chosen = self.chance.choice(options)
        return [*base[name], chosen, self.chance.choice(VALUES)]

    def path(self):
        """A path that is no file, or whose name is odd."""
        self.file("cells.csv", CELLS.encode())
        self.file("study.toml", STUDY.encode())
        os.mkfifo("pipe")
        odd = self.chance.choice(
            [
                *(
                    "pipe",
                    "/dev/zero",
                    "/dev/full",
                    "/dev/stdin",
                    ".",
                    "/",
                    "/proc/self/mem",
                    "a" * 300,
                ),
                *(
                    "/proc/1/x",
                    "cells.csv/x",
                    "\x00"[:0] + "\udce9.csv",
                    "\x1b[31m.csv",
                    "a\nb.csv",
                    "-",
                ),
                *("~", "--", "nul", "x" * 5000, "/dev/null", "loop"),
            ]
        )
        Path("loop").symlink_to("loop")
        model = self.seeds["model"]
        if self.chance.random() < 0.5 and odd not in (".", "/", "~") and "/" not in odd:
            try:
                if not os.path.lexists(odd):
                    Path(odd).write_text(CELLS)
            except (OSError, ValueError):
                pass
        return self.chance.choice(
            [
                ["fit", odd],
                ["fit", "cells.csv", "--conditions", odd],
                ["fit", "cells.csv", "-o", odd + ".nc"],
                ["fit", "cells.csv", "--report", odd],
                ["fit", "cells.csv", "--plot", odd],
                ["tradeoff", odd, "--out", "out"],
                ["tradeoff", "study.toml", "--out", odd],
                ["train", "--images", odd, "--out", "nets"],
                ["train", "--network", "64-10", "--epochs", "1", "--out", odd],
                ["evaluate", odd, "--ber", "0.1"],
                ["evaluate", model, "--error-map", odd],
                ["evaluate", model, "--read-back", odd],
                ["evaluate", model, "--ber", "0.1", "--chips", "2", "-o", odd + ".csv"],
                ["export", odd, "--out", "tiles"],
                ["export", model, "--out", odd],
                ["compare", odd, odd],
                ["energy", odd],
            ]
        )

    def surroundings(self):
        """An innocent command in surroundings that are against it."""
        self.file("cells.csv", CELLS.encode())
        return self.chance.choice(
            [
                ["fit", "cells.csv"],
                ["fit", "cells.csv", "--json"],
                ["fit", "hirtzlin2019-reconstructed"],
                ["evaluate", self.seeds["model"], "--ber", "0.1", "--chips", "3", "-o", "a.csv"],
                ["train", "--network", "64-16-10", "--epochs", "2", "--out", "nets"],
                ["--help"],
            ]
        )


def text_on(handle, encoding):
    """Return a stream on an open file, as the interpreter makes stdout."""
    return io.TextIOWrapper(io.FileIO(handle, "w", closefd=False), encoding, write_through=True)


def surround(chance, is_asked):
    """Change what is around the process; return what the parent is to do with it."""
    if not is_asked:
        return
    kind = chance.randrange(9)
    if kind == 0:
        sys.stdout = text_on(1, chance.choice(["ascii", "cp1252", "cp437"]))
    elif kind == 1:
        os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
    elif kind == 2:
        read, write = os.pipe()
        os.close(read)
        os.dup2(write, 1)
    elif kind == 3:
        os.environ["COLUMNS"] = chance.choice(["-5", "1", "9" * 30, "x"])
    elif kind == 4:
        os.environ["RRAMSIM_LIMITS"] = chance.choice(["", "x", "-1", "9" * 5000, "1.5"])
    elif kind == 5:
        gone = Path.cwd() / "gone"
        gone.mkdir()
        os.chdir(gone)
        gone.rmdir()
    elif kind == 6:
        signal.setitimer(signal.ITIMER_REAL, chance.uniform(0.01, 3.0))
        number = chance.choice([signal.SIGTERM, signal.SIGINT])
        signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(number))
    elif kind == 7:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    else:
        resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))


def attempt(arguments, folder, number, seed, is_surrounded):
    """Run one command in a process of its own: exit code, stderr, processor seconds, bytes."""
    told = folder / "stderr"
    child = os.fork()
    if child == 0:
        code = 70
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(os.open(folder / "stdout", os.O_WRONLY | os.O_CREAT), 1)
            os.dup2(os.open(told, os.O_WRONLY | os.O_CREAT), 2)
            sys.stdout = text_on(1, "utf-8")
            sys.stderr = text_on(2, "utf-8")
            surround(random.Random(f"{seed} {number} around"), is_surrounded)
            sys.argv = ["rramsim", *arguments]
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        except BaseException:
            traceback.print_exc()
            code = 1
        finally:
            try:
                sys.stderr.flush()
            finally:
                os._exit(code)
    began = time.monotonic()
    while True:
        done, status, used = os.wait4(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() - began > PATIENCE:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.01)
    seconds = used.ru_utime + used.ru_stime
    text = told.read_text(errors="replace") if told.exists() else ""
    return os.waitstatus_to_exitcode(status), text, seconds, used.ru_maxrss * 1024


def seeds_of_files(folder):
    """Return files that are whole, made once, to be mutated."""
    import openpyxl
    import typer

    os.chdir(folder)
    model = folder / "model.safetensors"
    rramsim.train("digits", network="64-16-10", epochs=1, file=model)
    cells = folder / "cells.csv"
    cells.write_text(CELLS)
    measured = rramsim.read_measurements(cells)
    rramsim.fit(measured).to_netcdf(folder / "conditions.nc")
    measured.readings.to_netcdf(folder / "cells.nc")
    book = openpyxl.Workbook()
    for row in CELLS.splitlines():
        book.active.append(
            [
                float(text) if text[0].isdigit() and " " not in text else text
                for text in row.split(",")
            ]
        )
    book.save(folder / "cells.xlsx")
    rramsim.export_tiles(model, folder / "tiles", tile="16x16")
    group = typer.main.get_command(app)
    with zipfile.ZipFile(folder / "cells.xlsx") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return {
        "model": str(model),
        "model bytes": model.read_bytes(),
        "tiles": str(folder / "tiles"),
        "conditions": (folder / "conditions.nc").read_bytes(),
        "nc": (folder / "cells.nc").read_bytes(),
        "xlsx": (folder / "cells.xlsx").read_bytes(),
        "parts": parts,
        "options": {
            name: [
                one.opts[0]
                for one in command.params
                if one.param_type_name == "option" and not one.is_flag
            ]
            for name, command in group.commands.items()
        },
    }


def run():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, default=None, help="number of one input")
    asked = parser.parse_args()
    kinds = (
        *("measurements", "measurements", "conditions", "study", "model", "chip", "images"),
        *("option", "option", "option", "path", "path", "surroundings"),
    )
    codes, failures, most = {}, 0, [0.0, 0]
    with tempfile.TemporaryDirectory() as root:
        whole = Path(root) / "whole"
        whole.mkdir()
        seeds = seeds_of_files(whole)
        numbers = range(asked.count) if asked.only is None else [asked.only]
        for number in numbers:
            folder = Path(root) / str(number)
            (folder / "work").mkdir(parents=True)
            os.chdir(folder / "work")
            chance = random.Random(f"{asked.seed} {number}")
            kind = kinds[number % len(kinds)]
            arguments = getattr(Makers(chance, seeds), kind)()
            code, told, seconds, size = attempt(
                arguments, folder, number, asked.seed, kind == "surroundings"
            )
            codes[code] = codes.get(code, 0) + 1
            most = [max(most[0], seconds), max(most[1], size)]
            faults = [
                *([f"exit code {code}"] if code not in EXIT_CODES else []),
                *(["a traceback"] if "Traceback" in told else []),
                *([f"{seconds:.0f} s"] if seconds > SECONDS else []),
                *([f"{size / 1e9:.1f} GB"] if size > BYTES else []),
            ]
            if faults or asked.only is not None:
                failures += bool(faults)
                shown = [
                    text if len(text) < 80 else f"{text[:60]}... ({len(text)})"
                    for text in arguments
                ]
                sys.stdout.write(
                    f"{number} {kind}: {', '.join(faults)}: {shown!r}\n{told[-1500:]}\n"
                )
                sys.stdout.flush()
            os.chdir(root)
            shutil.rmtree(folder, ignore_errors=True)
        os.chdir("/")
    sys.stdout.write(f"exit codes {dict(sorted(codes.items()))}, {failures} failed\n")
    sys.stdout.write(f"at most {most[0]:.1f} s of processor time, {most[1] / 1e9:.2f} GB\n")
    return failures


if __name__ == "__main__":
    np.seterr(all="ignore")
    sys.exit(bool(run()))

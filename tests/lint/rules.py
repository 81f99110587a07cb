"""The rules of the source tree that a compiler does not hold, as functions from a checkout to a list of faults.

Not here: that this checkout keeps them, and that each can fail (test_rules.py); clang-tidy and cppcheck (deploy/dev/check).
"""

import pathlib
import re
import shutil
import subprocess

# A file includes its own folder and lower ranks; equal ranks never include each other.
RANKS = [
    ["base"],
    ["config", "db", "json", "fetch", "commune", "http", "scoreboard"],
    ["wait", "migrate", "etl", "geocode", "api", "supervise", "probe"],
    ["main"],
]
RANK = {module: rank for rank, modules in enumerate(RANKS) for module in modules}

# The one folder that may know a library; whatever is not here and not of the system is refused.
LIBRARY_USERS = {
    "libpq-fe.h": ["db"],
    "uv.h": ["http"],
    "llhttp.h": ["http"],
    "ini.h": ["config"],
    "curl/": ["fetch"],
    "dlfcn.h": ["fetch"],
    "cjson/": ["json"],
    "unicase.h": ["commune"],
    "unictype.h": ["commune"],
    "uninorm.h": ["commune"],
    "unistr.h": ["commune"],
    "openssl/": ["base"],
}
SYSTEM_HEADERS = re.compile(
    r"(assert|ctype|dirent|endian|errno|fcntl|float|inttypes|limits|locale|math|netdb|poll|pthread|sched|signal|stdalign|"
    r"stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|string|strings|syslog|termios|time|unistd|wchar)\.h"
    r"|(sys|linux|netinet|arpa|net)/\w+\.h"
)

LINES_MAX = 500
TEST_LINES_MAX = 600  # many cases of one thing stay together

FUNCTION_LINES_MAX = 80
# Written so that this file does not find itself.
FORBIDDEN = [
    (re.compile(r"/(wor[k]|far[m]|roo[t])/"), "a path of one machine"),
    (re.compile(r"\b(TOD[O]|FIXM[E]|XX[X])\b"), "unfinished work"),
    (re.compile(r"\b[Ii]ssue[s]? #?\d"), "the number of an issue: say the reason instead"),
]


def sources(root, *folders):
    """Every C file under the folders, as paths relative to the root."""
    found = (path for folder in folders for path in (root / folder).rglob("*.[ch]"))
    return sorted(path.relative_to(root) for path in found)


def module_of(path):
    """The folder of src/ that a file belongs to; public headers belong to the folder they are named after."""
    parts = path.parts
    if parts[0] == "src":
        return parts[1] if len(parts) > 2 else "main"
    assert parts[:2] == ("include", "digitalism"), path
    return parts[2] if len(parts) > 3 else header_module(parts[2])


def header_module(name):
    """db_pipeline.h belongs to db."""
    stem = name.removesuffix(".h")
    return stem if stem in RANK else stem.partition("_")[0]


def includes(path):
    pattern = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = pattern.match(line)
        if match:
            yield number, match[1] or match[2], bool(match[2])


def library_fault(module, header):
    for prefix, users in LIBRARY_USERS.items():
        if header == prefix or (prefix.endswith("/") and header.startswith(prefix)):
            return None if module in users else f"<{header}> belongs to {' and '.join(users)}, not to {module}"
    return None if SYSTEM_HEADERS.fullmatch(header) else f"<{header}> is no known library of {module}"


def own_fault(module, header):
    if header.startswith("digitalism/"):
        other = module_of(pathlib.PurePath("include") / header)
        if other not in RANK:
            return f'"{header}" is of no known module'
        if other != module and RANK[other] >= RANK[module]:
            return f"{module} (rank {RANK[module]}) must not know {other} (rank {RANK[other]})"
        return None
    owner = header.partition("/")[0] if "/" in header else "main"
    return None if owner == module else f'"{header}" is private to {owner}'


def rank_faults(root):
    faults = []
    for path in sources(root, "src", "include"):
        module = module_of(path)
        if module not in RANK:
            faults.append(f"{path}: the folder {module} has no rank")
            continue
        for number, header, angled in includes(root / path):
            fault = library_fault(module, header) if angled else own_fault(module, header)
            if fault:
                faults.append(f"{path}:{number}: {fault}")
    return faults


def length_faults(root):
    """Long files and long functions; a function is what opens and closes with a brace in the first column."""
    faults = []
    for path in sources(root, "src", "include", "tests"):
        lines = (root / path).read_text().splitlines()
        lines_max = TEST_LINES_MAX if path.parts[0] == "tests" else LINES_MAX
        if len(lines) > lines_max:
            faults.append(f"{path}: {len(lines)} lines; {lines_max} are enough for one thing")
        opened = None
        for number, line in enumerate(lines, 1):
            if line == "{":
                opened = number
            elif line == "}" and opened:
                if number - opened - 1 > FUNCTION_LINES_MAX:
                    faults.append(f"{path}:{opened}: a function of {number - opened - 1} lines")
                opened = None
    return faults


def comment_faults(root):
    """Code opens by saying what lives in the file and what does not; a test by saying its goal."""
    faults = []
    for path in sources(root, "src", "include", "tests"):
        text = (root / path).read_text()
        comment = text[: text.find("*/")] if text.startswith("/*") and "*/" in text else ""
        if not comment:
            faults.append(f"{path}: does not open with a comment")
        elif path.parts[0] != "tests" and not re.search(r"\b[Nn]ot\b", comment):
            faults.append(f"{path}: the opening comment does not say what is not here")
    return faults


def word_faults(root, paths):
    faults = []
    for path in paths:
        try:
            lines = (root / path).read_text().splitlines()
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        for number, line in enumerate(lines, 1):
            faults += [f"{path}:{number}: {why}" for pattern, why in FORBIDDEN if pattern.search(line)]
    return faults


def tracked(root):
    """Every file that git knows, or would take."""
    listed = subprocess.run(
        ["git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard"], capture_output=True, text=True, check=True
    )
    return [pathlib.PurePath(name) for name in listed.stdout.splitlines()]


def formatter():
    """clang-format 14, whose choices the tree follows; other versions break lines elsewhere. None without it."""
    for name in ("clang-format-14", "clang-format"):
        if shutil.which(name):
            version = subprocess.run([name, "--version"], capture_output=True, text=True, check=True).stdout
            if " version 14." in version:
                return name
    return None


def format_faults(root, style):
    paths = [root / path for path in sources(root, "src", "include", "tests")]
    if not paths:
        return []
    done = subprocess.run(
        [formatter(), "--dry-run", "-Werror", f"--style=file:{style}", *paths], capture_output=True, text=True
    )
    return sorted({line.split(": error:")[0] for line in done.stderr.splitlines() if ": error:" in line})

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Everything that is installed is in a package, and what is in the sources is installed.

    check-packaging.py SOURCES BUILD LIBDIR [--without WHAT…]

WHAT was not built, and so nothing of it has to be installed: docs, installed_tests, man, nls, vapi.
"""

import argparse
import fnmatch
import json
import pathlib
import sys

# What meson leaves open, for a package of Debian
PLACES = {
    '{prefix}': 'usr',
    '{bindir}': 'usr/bin',
    '{datadir}': 'usr/share',
    '{includedir}': 'usr/include',
    '{libdir}': 'usr/lib/TRIPLET',
    '{libdir_shared}': 'usr/lib/TRIPLET',
    '{mandir}': 'usr/share/man',
    '{py_purelib}': 'usr/lib/python3/dist-packages',
    '{localedir}': 'usr/share/locale',
}
# Lines of debian/*.install of which there is nothing without that
OPTIONAL = {
    'usr/share/doc/tvmsupport-1': 'docs',
    'usr/lib/*/installed-tests': 'installed_tests',
    'usr/share/installed-tests': 'installed_tests',
    'usr/share/man': 'man',
    'usr/share/locale': 'nls',
    'usr/share/vala': 'vapi',
}
# Sources that are all installed
INSTALLED_SOURCES = [
    'introspection/gjs/**/*.js',
    'introspection/python/**/*.py',
    'introspection/python/**/*.pyi',
    'introspection/python/**/py.typed',
]
# The same, where tests are installed
INSTALLED_TESTS = [
    'tests/bindings/test[-_]*.js',
    'tests/bindings/test[-_]*.lua',
    'tests/bindings/test[-_]*.pl',
    'tests/bindings/test[-_]*.py',
    'tests/bindings/test[-_]*.rb',
]


def package_path(destination, libdir):
    """Where a package of Debian has what goes to this place of the installation plan."""
    place, _, rest = destination.partition('/')
    path = f'{PLACES[place]}/{rest}' if place in PLACES else f'usr/{destination}'
    # debian/rules sets --libexecdir so.
    path = path.replace('usr/libexec/', 'usr/lib/TRIPLET/')
    return path.replace(f'usr/{libdir}/', 'usr/lib/TRIPLET/')


def takes(line, path):
    """Whether a line of debian/*.install takes a path, or a folder that it is in."""
    patterns, parts = line.split('/'), path.split('/')
    return len(patterns) <= len(parts) and all(map(fnmatch.fnmatch, parts, patterns))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('sources', type=pathlib.Path)
    parser.add_argument('build', type=pathlib.Path)
    parser.add_argument('libdir')
    parser.add_argument('--without', nargs='*', default=[])
    args = parser.parse_args()

    with open(args.build / 'meson-info' / 'intro-install_plan.json', encoding='utf-8') as file:
        plan = json.load(file)
    installed = {
        source: package_path(item['destination'], args.libdir)
        for group in plan.values()
        for source, item in group.items()
    }
    # A versioned library is the one file that has links.
    paths = set(installed.values())
    paths.add('usr/lib/TRIPLET/libtvmsupport-1.so')

    lines = [
        line.strip()
        for path in sorted((args.sources / 'debian').glob('*.install'))
        for line in path.read_text(encoding='utf-8').splitlines()
        if line.strip()
    ]
    problems = []
    used = set()
    for path in sorted(paths):
        matches = {line for line in lines if takes(line, path)}
        used |= matches
        if not matches:
            problems.append(f'{path} is in no package')
        if len(matches) > 1:
            problems.append(f'{path} is in more than one package: {", ".join(sorted(matches))}')
    for line in lines:
        if line not in used and OPTIONAL.get(line) not in args.without:
            problems.append(f'“{line}” of debian/*.install matches nothing')

    n_sources = 0
    patterns = INSTALLED_SOURCES
    if 'installed_tests' not in args.without:
        patterns = patterns + INSTALLED_TESTS
    for pattern in patterns:
        for path in args.sources.glob(pattern):
            n_sources += 1
            if str(path) not in installed:
                problems.append(f'{path.relative_to(args.sources)} is not installed')
    if n_sources < 10 or len(paths) < 50:
        problems.append(f'only {n_sources} sources and {len(paths)} files were looked at')

    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Says which variables make this machine find what was installed.

It asks the programs concerned where they look, so for what is below /usr there is nothing to say.
"""

import argparse
import glob
import os
import shutil
import stat
import subprocess
import sys

DATA_DIRS = '/usr/local/share:/usr/share'
# What programs look into without being told by ldconfig
LOADER_DIRS = ('/lib', '/usr/lib', '/lib64', '/usr/lib64')


def output_of(*command):
    """Runs what may not be there; gives nothing then."""
    path = os.environ.get('PATH', os.defpath) + ':/usr/sbin:/sbin'
    program = shutil.which(command[0], path=path)
    if program is None:
        return ''
    result = subprocess.run([program, *command[1:]], check=False, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return result.stdout


def directories_of(text):
    """The directories in a list with colons or newlines, as they really are."""
    return {os.path.realpath(part) for part in text.replace('\n', ':').split(':') if part}


def loader_directories(path='/etc/ld.so.conf'):
    """Yields where ldconfig looks, also what is not there yet."""
    try:
        with open(path, encoding='utf-8', errors='surrogateescape') as file:
            lines = [line.partition('#')[0].split() for line in file]
    except OSError:
        lines = []
    for words in filter(None, lines):
        if words[0] != 'include':
            yield words[0]
            continue
        for pattern in words[1:]:
            for included in glob.glob(os.path.join(os.path.dirname(path), pattern)):
                yield from loader_directories(included)


def missing_variables(args):
    """Gives (variable, directory) of each place that nothing looks into."""
    searched = {
        'PATH': (args.bindir, ''),
        'LD_LIBRARY_PATH': (args.libdir, ':'.join([*loader_directories(), *LOADER_DIRS])),
        'GI_TYPELIB_PATH': (args.typelibdir, args.system_typelibdir),
        'PKG_CONFIG_PATH': (os.path.join(args.libdir, 'pkgconfig'),
                            output_of('pkg-config', '--variable', 'pc_path', 'pkg-config')),
        'PYTHONPATH': (args.pythondir,
                       output_of(args.python, '-c', 'import sys; print("\\n".join(sys.path))')),
        # Where GJS, valac and bash-completion look, each in a folder of its own
        'XDG_DATA_DIRS': (args.datadir, '' if os.environ.get('XDG_DATA_DIRS') else DATA_DIRS),
    }
    for name, (directory, places) in searched.items():
        places = directories_of(places) | directories_of(os.environ.get(name, ''))
        if directory and os.path.realpath(directory) not in places:
            yield name, directory.rstrip('/')


def needs_ldconfig(libdir):
    """Whether the loader looks there, but only for what it was told of."""
    if os.path.dirname(libdir) in LOADER_DIRS or libdir in LOADER_DIRS:
        return False
    if os.path.realpath(libdir) in directories_of(os.environ.get('LD_LIBRARY_PATH', '')):
        return False
    return f' {libdir}/libtvmsupport-1.so' not in output_of('ldconfig', '-p')


def export_line(name, directory):
    rest = f'${{{name}:+:${name}}}'
    if name == 'XDG_DATA_DIRS':
        rest = f':${{{name}:-{DATA_DIRS}}}'
    return f'export {name}={directory}{rest}'


def advice(args):
    """Gives the text, or an empty one."""
    missing = dict(missing_variables(args))
    lines = []
    if missing:
        lines += ['Not everything looks for what is installed. These variables help:', '']
        lines += ['  ' + export_line(name, directory) for name, directory in missing.items()]
        lines.append('')
    if 'LD_LIBRARY_PATH' not in missing and needs_ldconfig(args.libdir):
        lines += ['Programs find the library once this was run, as root:', '', '  ldconfig', '']
    return '\n'.join(lines)


def print_beside_meson(text):
    """Meson keeps what the scripts of an installation print to itself, so this goes where its own
    lines go, if that is a terminal or a pipe. In a file each would overwrite the other."""
    path = f'/proc/{os.getppid()}/fd/1'
    try:
        if stat.S_ISREG(os.stat(path).st_mode):
            return
        with open(os.open(path, os.O_WRONLY | os.O_NOCTTY), 'w', encoding='utf-8') as file:
            file.write('\n' + text)
    except OSError:
        print(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--installing', action='store_true',
                        help='run as the last step of an installation')
    for name in ('bindir', 'datadir', 'libdir', 'pythondir', 'python', 'typelibdir'):
        parser.add_argument('--' + name, required=True)
    parser.add_argument('--system-typelibdir', default='/usr/lib/girepository-1.0')
    args = parser.parse_args()

    text = advice(args)
    if text and not args.installing:
        print(text, end='')
    elif text and not os.environ.get('DESTDIR'):
        print_beside_meson(text)
    return 0


if __name__ == '__main__':
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Says which variables make a system find what was installed.

The last step of `meson install`. It asks the programs concerned where they look, so below /usr, and
in a package that is made below DESTDIR, there is nothing to say.
"""

import argparse
import os
import shutil
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


def loader_directories():
    # With -N and -X nothing is written. Each directory is at the start of a line.
    lines = output_of('ldconfig', '-v', '-N', '-X').splitlines()
    found = [line.partition(':')[0] for line in lines if line.startswith('/')]
    return ':'.join([*found, *LOADER_DIRS])


def missing_variables(args):
    """Gives (variable, directory) of each place that nothing looks into."""
    searched = {
        'PATH': (args.bindir, ''),
        'LD_LIBRARY_PATH': (args.libdir, loader_directories()),
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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ('bindir', 'datadir', 'libdir', 'pythondir', 'python', 'typelibdir'):
        parser.add_argument('--' + name, required=True)
    parser.add_argument('--system-typelibdir', default='/usr/lib/girepository-1.0')
    args = parser.parse_args()
    if os.environ.get('DESTDIR'):
        return 0

    missing = dict(missing_variables(args))
    if missing:
        print('\nNot everything looks for what was installed. These variables help:\n')
        for name, directory in missing.items():
            print('  ' + export_line(name, directory))
    if 'LD_LIBRARY_PATH' not in missing and needs_ldconfig(args.libdir):
        print('\nPrograms find the library once this was run, as root:\n\n  ldconfig')
    return 0


if __name__ == '__main__':
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What vapigen made of the GIR is what somebody who writes Vala expects: check-vapi.py GIR VAPI"""

import re
import sys
import xml.etree.ElementTree as ElementTree

CORE = '{http://www.gtk.org/introspection/core/1.0}'
C_NAME = '{http://www.gtk.org/introspection/c/1.0}identifier'


def split_parameters(text):
    """Splits at the commas that are in no brackets."""
    parts = ['']
    depth = 0
    for char in text:
        depth += (char in '([<') - (char in ')]>')
        if char == ',' and depth == 0:
            parts.append('')
        else:
            parts[-1] += char
    return [part.strip() for part in parts if part.strip()]


def read_functions(vapi):
    """Yields (line, parameters without attributes) of everything that can be called."""
    for line in vapi.splitlines():
        line = re.sub(r'\[CCode \([^]]*\)\] ', '', line.strip())
        match = re.match(r'(?:public|protected) .*?\((.*)\)(?: throws [\w., ]+)?;$', line)
        if match and ' delegate ' not in line and ' signal ' not in line:
            yield line, split_parameters(match.group(1))


def check_parameters(line, parameters):
    if any(' cancellable' in it and '= null' not in it for it in parameters):
        yield f'the cancellable has no default: {line}'
    if any('AsyncReadyCallback' in it or 'AsyncResult' in it for it in parameters):
        yield f'not made an async method: {line}'

    # A setter has one parameter, which is there to be given.
    if len(parameters) < 2 and re.search(r'\b(set|push)_\w+ \(', line):
        return
    for parameter in reversed(parameters):
        if ' = ' in parameter or parameter.startswith('out '):
            continue
        if re.match(r'(owned )?[\w.<>,\[\]]+\? ', parameter):
            yield f'{parameter} may be null at the end and has no default: {line}'
        break


def check_properties(gir, vapi):
    for class_node in gir.iter(CORE + 'class'):
        name = class_node.get('name')
        body = re.search(r'class %s : .*?\n\t}' % name, vapi, re.DOTALL).group(0)
        nullable = {
            method.get('name')
            for method in class_node.findall(CORE + 'method')
            if method.find(CORE + 'return-value').get('nullable') == '1'
        }
        for node in class_node.findall(CORE + 'property'):
            prop = node.get('name').replace('-', '_')
            if not nullable & {'get_' + prop, 'dup_' + prop}:
                continue
            if not re.search(r'public \S+\? %s {' % prop, body):
                yield f'{name}.{prop} may be null, says its getter'


def check_async(gir, vapi):
    for node in gir.iter():
        if node.tag not in (CORE + 'method', CORE + 'function', CORE + 'constructor'):
            continue
        name = node.get('name')
        if not name.endswith('_async') or node.get('moved-to') is not None:
            continue
        # `new_async` is the constructor, as in GIO.
        pattern = r'async .*\b%s \(' % (name[4:] if name.startswith('new_') else name)
        if name == 'new_async':
            pattern = r'public async [A-Z]\w+ \('
        if not re.search(pattern, vapi):
            yield f'{node.get(C_NAME)} is not there as an async method'


def main():
    gir = ElementTree.parse(sys.argv[1]).getroot()
    with open(sys.argv[2], encoding='utf-8') as file:
        vapi = file.read()

    problems = []
    n_functions = 0
    for line, parameters in read_functions(vapi):
        n_functions += 1
        problems += check_parameters(line, parameters)
    problems += check_properties(gir, vapi)
    problems += check_async(gir, vapi)
    for text in ('void*', 'weak ', '_finish ('):
        if text in vapi:
            problems.append(f'“{text}” is in the vapi')
    if 'errordomain Error {' not in vapi:
        problems.append('there is no errordomain')
    if n_functions < 100:
        problems.append(f'only {n_functions} functions were found')

    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())

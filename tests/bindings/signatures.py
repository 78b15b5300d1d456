# SPDX-License-Identifier: Apache-2.0
"""Signatures as text, to compare with those of tvm.support."""

import inspect


def signature(function):
    """The signature of a function, without types."""
    whole = inspect.signature(function)
    empty = inspect.Parameter.empty
    parameters = [it.replace(annotation=empty) for it in whole.parameters.values()]
    return str(whole.replace(parameters=parameters, return_annotation=empty))

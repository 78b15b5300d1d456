# SPDX-License-Identifier: Apache-2.0
"""What those who write types of a language read in the GIR."""

CORE = "{http://www.gtk.org/introspection/core/1.0}"
GLIB = "{http://www.gtk.org/introspection/glib/1.0}"

INTEGERS = (
    "gint guint gint8 guint8 gint16 guint16 gint32 guint32 gint64 guint64 glong gulong gsize gssize"
    " gshort gushort gchar guchar goffset time_t pid_t"
).split()
FLOATS = ("gdouble", "gfloat")


def is_introspectable(node):
    return node.get("introspectable") != "0"


def is_moved(node):
    """Whether a function became the method of a class."""
    return node.get("moved-to") is not None


def shown_parameters(node):
    """The parameters that a language has: without lengths, closures and what destroys them"""
    parameters = list(node.iterfind(f"{CORE}parameters/{CORE}parameter"))
    hidden = set()
    for typed in [*parameters, node.find(CORE + "return-value")]:
        array = typed.find(CORE + "array")
        if array is not None and array.get("length") is not None:
            hidden.add(int(array.get("length")))
    for parameter in parameters:
        hidden |= {int(parameter.get(key)) for key in ("closure", "destroy") if parameter.get(key)}
    return [it for i, it in enumerate(parameters) if i not in hidden]


def property_is_nullable(owner, prop):
    """The GIR does not say it of a property, but of what gets it."""
    getters = [prop.get("getter"), f"dup_{prop.get('name').replace('-', '_')}"]
    for method in owner.iterfind(CORE + "method"):
        if method.get("name") in getters:
            return method.find(CORE + "return-value").get("nullable") == "1"
    return False

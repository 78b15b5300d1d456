#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Says what a library outside of /usr still needs to be found: typelibs and Python packages are
# only looked for below /usr.
set -eu

prefix=$1
libdir=$2
purelib=$3

if [ -n "${DESTDIR:-}" ] || [ "$prefix" = /usr ]; then
  exit 0
fi

cat << EOF

tvmsupport is installed below $prefix. To use it from there:

  export LD_LIBRARY_PATH=$libdir\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}
  export GI_TYPELIB_PATH=$libdir/girepository-1.0\${GI_TYPELIB_PATH:+:\$GI_TYPELIB_PATH}
  export PKG_CONFIG_PATH=$libdir/pkgconfig\${PKG_CONFIG_PATH:+:\$PKG_CONFIG_PATH}
  export PYTHONPATH=$purelib\${PYTHONPATH:+:\$PYTHONPATH}
  export GJS_PATH=$prefix/share/gjs-1.0\${GJS_PATH:+:\$GJS_PATH}

EOF

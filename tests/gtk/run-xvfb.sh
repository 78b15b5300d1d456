#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs a GTK test script in a display of its own: run-xvfb.sh GJS SCRIPT. Without what it needs,
# the test is skipped.
set -euo pipefail

skip() {
  echo "1..0 # SKIP $1"
  exit 0
}

gjs=$1
script=$2

command -v "$gjs" > /dev/null || skip "no gjs"
command -v Xvfb > /dev/null || skip "no Xvfb"
for module in 'Gtk?version=4.0' 'GtkSource?version=5' 'Adw?version=1'; do
  "$gjs" -m /dev/stdin <<< "import 'gi://$module';" 2> /dev/null || skip "no typelib of $module"
done

directory=$(mktemp -d)
server=
finish() {
  if [ -n "$server" ]; then
    kill "$server" 2> /dev/null || true
    wait "$server" 2> /dev/null || true
  fi
  rm -rf "$directory"
}
trap finish EXIT

# The server writes the number of its display when it is ready.
mkfifo "$directory/display"
Xvfb -displayfd 3 -fbdir "$directory" -screen 0 1280x900x24 -nolisten tcp \
  3> "$directory/display" 2> "$directory/log" &
server=$!
read -r -t 30 display < "$directory/display" \
  || skip "Xvfb did not start: $(tail -n 1 "$directory/log")"

# No settings, no session bus and no accessibility bus but those of the test
unset DBUS_SESSION_BUS_ADDRESS WAYLAND_DISPLAY XDG_CURRENT_DESKTOP GTK_THEME
export DISPLAY=:$display
export GDK_BACKEND=x11 GSK_RENDERER=cairo GTK_A11Y=test ADW_DISABLE_PORTAL=1
export GSETTINGS_BACKEND=memory XDG_RUNTIME_DIR=$directory
# What the test leaves in its temporary directory is seen.
mkdir "$directory/tmp"
export TMPDIR=$directory/tmp
export KERNEL_EDITOR_FRAMEBUFFER=$directory/Xvfb_screen0
export KERNEL_EDITOR_PICTURES=${KERNEL_EDITOR_PICTURES:-$directory}

"$gjs" -m "$script"

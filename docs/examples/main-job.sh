# shellcheck shell=bash
# shellcheck disable=SC2154
# SPDX-License-Identifier: Apache-2.0
# Read by build-aux/demo, which sets what stands here in variables.
# [example]
tvmsupport cc --kind shared --output "$library" "${sources[@]}" -- "${options[@]}"
tvmsupport symbols "$library" > "$symbols"
tvmsupport cc --kind executable --output "$loader" docs/examples/load-describe.c -- "${loader_options[@]}"
"$loader" "$library"

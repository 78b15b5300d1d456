// SPDX-License-Identifier: Apache-2.0
// The files that lie beside this one
import GLib from 'gi://GLib';

export const resourceUri = name =>
    GLib.Uri.resolve_relative(import.meta.url, name, GLib.UriFlags.NONE);

export const resourcePath = name => GLib.filename_from_uri(resourceUri(name))[0];

// SPDX-License-Identifier: Apache-2.0
// Functions in Vala that the workers of a pool call by their names, as those of a module in C.

// (ii) → i
public Variant vala_add (Variant args, Cancellable? cancellable) throws GLib.Error {
    int a;
    int b;
    args.get ("(ii)", out a, out b);
    return a + b;
}

// a{sv} → as, its keys
public Variant vala_keys (Variant args, Cancellable? cancellable) throws GLib.Error {
    string[] keys = {};
    foreach (var entry in args) {
        keys += entry.get_child_value (0).get_string ();
    }
    return new Variant.strv (keys);
}

// s → never
public Variant vala_fail (Variant args, Cancellable? cancellable) throws GLib.Error {
    throw new IOError.NOT_SUPPORTED ("cannot do “%s”", args.get_string ());
}

// () → b, whether it was cancelled, and not before
public Variant vala_wait (Variant args, Cancellable? cancellable) throws GLib.Error {
    Posix.pollfd[] cancelled = { { cancellable.get_fd (), Posix.POLLIN, 0 } };
    Posix.poll (cancelled, -1);
    cancellable.release_fd ();
    return cancellable.is_cancelled ();
}

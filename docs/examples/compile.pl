#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Compiles a source file into a shared library: compile SOURCE OUTPUT
use strict;
use warnings;
use Glib::Object::Introspection;

Glib::Object::Introspection->setup(basename => 'Gio', version => '2.0', package => 'Glib::IO');
Glib::Object::Introspection->setup(
    basename => 'TvmSupport', version => '1', package => 'TvmSupport');

sub finish_compile {
    my ($compiler, $async_result) = @_;
    my $result = eval { $compiler->compile_finish($async_result) };
    if (!$result) {
        print STDERR $@->message, "\n";
        return 1;
    }

    my $diagnostics = $result->get_diagnostics;
    for my $i (0 .. $diagnostics->get_n_items - 1) {
        print STDERR $diagnostics->get_item($i)->format, "\n";
    }
    return 1 if !$result->get_successful;

    print 'made ', $result->get_output, "\n";
    return 0;
}

binmode $_, ':encoding(UTF-8)' for *STDOUT, *STDERR;
if (@ARGV != 2) {
    print STDERR "usage: compile SOURCE OUTPUT\n";
    exit 2;
}

my $request = TvmSupport::CompileRequest->new('shared');
$request->add_input($ARGV[0], 'auto');
$request->set_output($ARGV[1]);
$request->set_timeout(60 * 1000);

my $loop = Glib::MainLoop->new;
my $status;
TvmSupport::Compiler->new->compile_async($request, undef, sub {
    $status = finish_compile(@_);
    $loop->quit;
});
$loop->run;
exit $status;

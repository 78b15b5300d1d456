# SPDX-License-Identifier: Apache-2.0
# The library from Perl.
use strict;
use warnings;
use utf8;

use Test::More;

BEGIN {
    eval { require Glib::Object::Introspection; 1 }
        or plan skip_all => 'no Glib::Object::Introspection';
    Glib::Object::Introspection->setup(
        basename => 'Gio', version => '2.0', package => 'Glib::IO');
    Glib::Object::Introspection->setup(
        basename => 'TvmSupport', version => '1', package => 'TvmSupport');
}

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output);

my $temp = TvmSupport::TempDirectory->new;

sub write_file {
    my ($name, $text) = @_;
    my $path = $temp->build_path($name);
    open my $file, '>', $path or die "$path: $!";
    print $file $text;
    close $file or die "$path: $!";
    return $path;
}

sub request_for {
    my ($source, $output, $kind) = @_;
    my $request = TvmSupport::CompileRequest->new($kind);
    $request->add_input($source, 'auto');
    $request->set_output($temp->build_path($output));
    return $request;
}

# Calls $name_async, waits in a main loop and gives what $name_finish gives, or dies as that dies.
sub wait_for {
    my ($object, $name, @arguments) = @_;
    my ($begin, $end) = ("${name}_async", "${name}_finish");
    my $loop = Glib::MainLoop->new;
    my $async_result;
    $object->$begin(@arguments, sub { $async_result = $_[1]; $loop->quit });
    $loop->run;
    return $object->$end($async_result);
}

# What the code dies with, which is an error of the library.
sub error_of {
    my ($code) = @_;
    ok !eval { $code->(); 1 }, 'it fails';
    isa_ok $@, 'Glib::Error';
    return $@;
}

# Compiles a file
{
    my $source = write_file('add.c', "int add (int a, int b) { return a + b; }\n");
    my $request = request_for($source, 'libadd.so', 'shared');
    my $result = wait_for(TvmSupport::Compiler->new, 'compile', $request, undef);
    ok $result->get_successful, 'it is compiled' or diag $result->get_log_text;
    my $symbols = TvmSupport::cc_get_global_symbol_section_map($result->get_output);
    is $symbols->{add}, 'T', 'the function is there';
}

# Reads a diagnostic
{
    my $source = write_file('broken.c', "int f (void)\n{\n  return missing;\n}\n");
    my $request = request_for($source, 'broken.o', 'object');
    my $result = wait_for(TvmSupport::Compiler->new, 'compile', $request, undef);
    ok !$result->get_successful, 'it is not compiled';
    my $diagnostic = $result->get_diagnostics->get_item(0);
    is $diagnostic->get_severity, 'error', 'the severity';
    is $diagnostic->get_file, $source, 'the file';
    is $diagnostic->get_line, 3, 'the line';
    like $diagnostic->get_message, qr/missing/, 'the message';

    my $error = error_of(sub { $result->check });
    ok $error->matches('TvmSupport::Error', 'compile-failed'), 'the code';
}

# Runs a pool
{
    my $spec = TvmSupport::WorkerSpec->new_module("$ENV{G_TEST_BUILDDIR}/worker-module.so");
    my $pool = TvmSupport::PoolExecutor->new($spec, 2);
    my $sum = $pool->call('add', Glib::Variant->new('(ii)', [1, 2]));
    is $sum->get('i'), 3, 'a function gives its value';
    $sum = wait_for($pool, 'call', 'add', Glib::Variant->new('(ii)', [3, 4]), undef);
    is $sum->get('i'), 7, 'and later, too';

    my $crashed = wait_for($pool, 'submit', TvmSupport::Task->new('crash'), undef);
    is $crashed->get_status, 'exception', 'a crash is a result';
    my $error = error_of(sub { $crashed->check });
    ok $error->matches('TvmSupport::Error', 'worker-died'), 'with its code';

    my $endless = TvmSupport::Task->new('spin');
    $endless->set_timeout(20);
    is wait_for($pool, 'submit', $endless, undef)->get_status, 'timeout', 'a limit ends it';

    my $left = 3;
    my $results = $pool->map_tasks(
        sub { $left-- ? TvmSupport::Task->new('echo', Glib::Variant->new('i', $left)) : undef },
        undef, []);
    my @values;
    while (my $result = $results->next) {
        ok $result->check, 'a task worked';
        push @values, $result->get_value->get('i');
    }
    is "@values", '2 1 0', 'a map is in order';

    my @failing = (TvmSupport::Task->new('crash'), undef);
    my $failed = $pool->map_tasks(sub { shift @failing }, undef, [])->next;
    $error = error_of(sub { $failed->check });
    ok $error->matches('TvmSupport::Error', 'worker-died'), 'a failure does not end it';
    ok $pool->shutdown('drain'), 'it ends';
}

# Locks
{
    my $path = $temp->build_path('lock');
    my ($first, $second) = map { TvmSupport::FileLock->new($path) } 1, 2;
    ok $first->acquire(-1), 'it is taken';
    my $error = error_of(sub { $second->acquire(0) });
    ok $error->matches('TvmSupport::Error', 'timed-out'), 'another does not get it';

    # One that is cancelled, and one that gets it when it is released
    my $cancellable = Glib::IO::Cancellable->new;
    my $loop = Glib::MainLoop->new;
    my ($cancelled, $taken);
    $second->acquire_async(-1, $cancellable, sub { $cancelled = $_[1]; $loop->quit });
    $cancellable->cancel;
    $loop->run;
    $error = error_of(sub { $second->acquire_finish($cancelled) });
    is $error->domain, 'g-io-error-quark', 'the wait is cancelled';

    $second->acquire_async(-1, undef, sub { $taken = $_[1]; $loop->quit });
    $first->release;
    $loop->run;
    ok $second->acquire_finish($taken), 'the other gets it afterwards';
}

# Gets the errors of the library
{
    my $compiler = TvmSupport::Compiler->new_for_command('no-such-compiler');
    my $request = request_for(write_file('x.c', ''), 'x.o', 'object');
    my $error = error_of(sub { $compiler->compile($request) });
    isa_ok $error, 'TvmSupport::Error';
    ok $error->matches('TvmSupport::Error', 'not-found'), 'the code';
    is $error->value, 'not-found', 'its name';
    like $error->message, qr/no-such-compiler/, 'the message';
}

$temp->remove;
done_testing;

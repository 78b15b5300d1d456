# SPDX-License-Identifier: Apache-2.0
# The library from Ruby.
begin
  require 'gobject-introspection'
  require 'gio2'
rescue LoadError => error
  puts "1..0 # SKIP #{error.message}"
  exit
end

module TvmSupport
  loader = GObjectIntrospection::Loader.new(self)
  loader.version = '1'
  loader.load('TvmSupport')
end

def assert(condition, what = 'assertion')
  raise "#{what} failed" unless condition
end

def assert_equal(expected, actual)
  raise "expected #{expected.inspect}, not #{actual.inspect}" unless expected == actual
end

def assert_raises(error_class)
  yield
rescue error_class => error
  error
else
  raise "#{error_class} was not raised"
end

TEMP = TvmSupport::TempDirectory.new

def write_file(name, text)
  path = TEMP.build_path(name)
  File.write(path, text)
  path
end

def request_for(source, output, kind)
  request = TvmSupport::CompileRequest.new(kind)
  request.add_input(source, :auto)
  request.output = TEMP.build_path(output)
  request
end

# Calls name_async, waits in a main loop and gives what name_finish gives, or raises what that raises.
def wait_for(object, name, *arguments)
  loop = GLib::MainLoop.new
  async_result = nil
  object.__send__("#{name}_async", *arguments) do |_, result|
    async_result = result
    loop.quit
  end
  loop.run
  object.__send__("#{name}_finish", async_result)
end

TESTS = {
  'compiles a file' => lambda do
    source = write_file('add.c', "int add (int a, int b) { return a + b; }\n")
    result = wait_for(TvmSupport::Compiler.new, :compile, request_for(source, 'libadd.so', :shared))
    assert(result.successful?, result.log_text)
    symbols = TvmSupport.cc_get_global_symbol_section_map(result.output)
    assert_equal('T', symbols['add'])
  end,

  'reads a diagnostic' => lambda do
    source = write_file('broken.c', "int f (void)\n{\n  return missing;\n}\n")
    result = wait_for(TvmSupport::Compiler.new, :compile, request_for(source, 'broken.o', :object))
    assert(!result.successful?)
    diagnostic = result.diagnostics.get_item(0)
    assert_equal('error', diagnostic.severity.nick)
    assert_equal(source, diagnostic.file)
    assert_equal(3, diagnostic.line)
    assert(diagnostic.message.include?('missing'))
    assert_raises(TvmSupport::Error::CompileFailed) { result.check }
  end,

  # Ruby makes variants of one value or of strings, but no tuples.
  'runs a pool' => lambda do
    spec = TvmSupport::WorkerSpec.new("#{ENV['G_TEST_BUILDDIR']}/worker-module.so")
    pool = TvmSupport::PoolExecutor.new(spec, 2)
    assert_equal(3, pool.call('echo', GLib::Variant.new(3)))
    assert_equal('four', wait_for(pool, :call, 'echo', GLib::Variant.new('four')))

    crashed = wait_for(pool, :submit, TvmSupport::Task.new('crash'))
    assert_equal('exception', crashed.status.nick)
    assert_raises(TvmSupport::Error::WorkerDied) { crashed.check }

    endless = TvmSupport::Task.new('spin')
    endless.timeout = 20
    assert_equal('timeout', wait_for(pool, :submit, endless).status.nick)

    items = [2, 1, 0].map { |value| GLib::Variant.new(value) }
    results = pool.map('echo', items, [])
    values = []
    while (result = results.next)
      values << result.value
    end
    assert_equal([2, 1, 0], values)
    failed = pool.map('crash', items, []).next
    assert_raises(TvmSupport::Error::WorkerDied) { failed.check }
    assert(pool.shutdown(:drain))
  end,

  'runs a command' => lambda do
    # Where other constructors take the same, they are called by their names.
    spec = TvmSupport::WorkerSpec.allocate
    spec.__send__(:initialize_new_command)
    pool = TvmSupport::PoolExecutor.new(spec, 1)
    result = pool.submit(TvmSupport::Task.new(['sh', '-c', 'echo yes; exit 3']))
    assert_equal(3, result.exit_status)
    assert_equal("yes\n", result.stdout.to_s)
    assert(pool.shutdown(:drain))
  end,

  'locks' => lambda do
    path = TEMP.build_path('lock')
    first = TvmSupport::FileLock.new(path)
    second = TvmSupport::FileLock.new(path)
    assert(first.acquire(-1))
    assert_raises(TvmSupport::Error::TimedOut) { second.acquire(0) }

    loop = GLib::MainLoop.new
    cancellable = Gio::Cancellable.new
    async_result = nil
    second.acquire_async(-1, cancellable) { |_, result| async_result = result; loop.quit }
    cancellable.cancel
    loop.run
    assert_raises(Gio::IOError::Cancelled) { second.acquire_finish(async_result) }

    second.acquire_async(-1) { |_, result| async_result = result; loop.quit }
    first.release
    loop.run
    assert(second.acquire_finish(async_result))
    assert(second.held?)
  end,

  'gets the errors of the library' => lambda do
    compiler = TvmSupport::Compiler.new('no-such-compiler')
    request = request_for(write_file('x.c', ''), 'x.o', :object)
    error = assert_raises(TvmSupport::Error::NotFound) { compiler.compile(request) }
    assert_equal('tvm-error-quark', error.domain)
    assert(error.message.include?('no-such-compiler'))
  end
}.freeze

puts "1..#{TESTS.size}"
failed = false
TESTS.each.with_index(1) do |(name, body), number|
  begin
    body.call
    puts "ok #{number} - #{name}"
  rescue StandardError, NotImplementedError => error
    failed = true
    puts "not ok #{number} - #{name}"
    puts error.full_message(highlight: false).gsub(/^/, '# ')
  end
end
TEMP.remove
exit(!failed)

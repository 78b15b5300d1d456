# SPDX-License-Identifier: Apache-2.0
# Compiles a source file into a shared library: compile SOURCE OUTPUT
require 'gobject-introspection'
require 'gio2'

module TvmSupport
  loader = GObjectIntrospection::Loader.new(self)
  loader.version = '1'
  loader.load('TvmSupport')
end

def finish_compile(compiler, async_result)
  result = compiler.compile_finish(async_result)
  result.diagnostics.n_items.times do |i|
    warn(result.diagnostics.get_item(i).format)
  end
  puts "made #{result.output}" if result.successful?
  result.successful? ? 0 : 1
rescue GLib::Error => error
  warn(error.message)
  1
end

if ARGV.size != 2
  warn('usage: compile SOURCE OUTPUT')
  exit(2)
end

request = TvmSupport::CompileRequest.new(:shared)
request.add_input(ARGV[0], :auto)
request.output = ARGV[1]
request.timeout = 60 * 1000

loop = GLib::MainLoop.new
status = nil
TvmSupport::Compiler.new.compile_async(request) do |compiler, async_result|
  status = finish_compile(compiler, async_result)
  loop.quit
end
loop.run
exit(status)

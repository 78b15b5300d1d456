-- SPDX-License-Identifier: Apache-2.0
-- Compiles a source file into a shared library: compile SOURCE OUTPUT
local lgi = require('lgi')
local Gio, GLib = lgi.Gio, lgi.GLib
local TvmSupport = lgi.require('TvmSupport', '1')

local function compile(source, output)
    local request = TvmSupport.CompileRequest.new('SHARED')
    request:add_input(source, 'AUTO')
    request:set_output(output)
    request:set_timeout(60 * 1000)

    local result, err = TvmSupport.Compiler.new(nil):async_compile(request)
    if not result then
        io.stderr:write(err.message, '\n')
        return 1
    end

    local diagnostics = result:get_diagnostics()
    for i = 0, diagnostics:get_n_items() - 1 do
        io.stderr:write(diagnostics:get_item(i):format(), '\n')
    end
    if not result:get_successful() then
        return 1
    end
    print('made ' .. result:get_output())
    return 0
end

if #arg ~= 2 then
    io.stderr:write('usage: compile SOURCE OUTPUT\n')
    os.exit(2)
end

-- What is started here may wait for asynchronous calls.
local loop = GLib.MainLoop()
local status
Gio.Async.start(function()
    status = compile(arg[1], arg[2])
    loop:quit()
end)()
loop:run()
os.exit(status)

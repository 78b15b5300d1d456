-- SPDX-License-Identifier: Apache-2.0
-- The library from Lua.
local found, lgi = pcall(require, 'lgi')
if not found then
    print('1..0 # SKIP no lgi')
    os.exit(0)
end

local Gio = lgi.Gio
local GLib = lgi.GLib
local TvmSupport = lgi.require('TvmSupport', '1')

local temp = assert(TvmSupport.TempDirectory.new(nil))

local function write(name, text)
    local path = assert(temp:build_path(name))
    local file = assert(io.open(path, 'w'))
    file:write(text)
    file:close()
    return path
end

local function request_for(source, output, kind)
    local request = TvmSupport.CompileRequest.new(kind)
    request:add_input(source, 'AUTO')
    request:set_output(temp:build_path(output))
    return request
end

local function compiler_runs(source)
    local runs = false
    local folder = assert(io.popen('ls /proc'))
    for name in folder:lines() do
        local file = name:match('^%d+$') and io.open('/proc/' .. name .. '/cmdline')
        if file then
            local command = file:read('*a') or ''
            file:close()
            runs = runs or command:gsub('%z', ' '):find(source, 1, true) ~= nil
        end
    end
    folder:close()
    return runs
end

-- Runs functions beside each other, each in a coroutine that may wait for asynchronous calls. Lua
-- 5.1 cannot wait inside of pcall, so what they get is looked at afterwards.
local function run_all(...)
    local loop = GLib.MainLoop()
    local left = select('#', ...)
    for _, body in ipairs { ... } do
        Gio.Async.start(function()
            body()
            left = left - 1
            if left == 0 then
                loop:quit()
            end
        end)()
    end
    if left > 0 then
        loop:run()
    end
end

local function compile(request)
    local result, err
    run_all(function()
        result, err = TvmSupport.Compiler.new(nil):async_compile(request)
    end)
    return assert(result, err and err.message)
end

local tests = {
    { 'compiles a file', function()
        local source = write('add.c', 'int add (int a, int b) { return a + b; }\n')
        local result = compile(request_for(source, 'libadd.so', 'SHARED'))
        assert(result:get_successful(), result:get_log_text())
        local symbols = assert(
            TvmSupport.cc_get_global_symbol_section_map(result:get_output(), nil))
        assert(symbols.add == 'T')
    end },

    { 'reads a diagnostic', function()
        local source = write('broken.c', 'int f (void)\n{\n  return missing;\n}\n')
        local result = compile(request_for(source, 'broken.o', 'OBJECT'))
        assert(not result:get_successful())
        local diagnostic = result:get_diagnostics():get_item(0)
        assert(diagnostic:get_severity() == 'ERROR', diagnostic:get_severity())
        assert(diagnostic:get_file() == source)
        assert(diagnostic:get_line() == 3)
        assert(diagnostic:get_message():find('missing', 1, true))
    end },

    { 'cancels a running compile', function()
        local fifo = temp:build_path('endless.h')
        assert(Gio.Subprocess.new({ 'mkfifo', fifo }, 'NONE'):wait_check())
        local source = write('endless.c', '#include "' .. fifo .. '"\n')
        local cancellable = Gio.Cancellable()
        local result, err, ran
        run_all(function()
            local request = request_for(source, 'endless.o', 'OBJECT')
            Gio.Async.cancellable = cancellable
            result, err = TvmSupport.Compiler.new(nil):async_compile(request)
        end, function()
            -- The open of the pipe ends when the compiler opens it too.
            local pipe = Gio.File.new_for_path(fifo):async_append_to('NONE')
            ran = compiler_runs(source)
            cancellable:cancel()
            pipe:close()
        end)
        assert(ran, 'no compiler ran')
        assert(not result)
        assert(err:matches(Gio.IOErrorEnum, 'CANCELLED'), err.message)
        assert(not compiler_runs(source))
    end },

    { 'runs a pool', function()
        local module = os.getenv('G_TEST_BUILDDIR') .. '/worker-module.so'
        local pool = TvmSupport.PoolExecutor.new(TvmSupport.WorkerSpec.new_module(module), 2)
        local sum = assert(pool:call('add', GLib.Variant('(ii)', { 1, 2 })))
        assert(sum.value == 3)

        local sums = {}
        local failed
        run_all(function()
            local task = TvmSupport.Task.new('add', GLib.Variant('(ii)', { 3, 4 }))
            sums[1] = pool:async_submit(task):get_value().value
        end, function()
            local task = TvmSupport.Task.new('crash')
            failed = pool:async_submit(task):get_error()
        end)
        assert(sums[1] == 7)
        assert(failed:matches(TvmSupport.Error, 'WORKER_DIED'), failed.message)

        local left = 3
        local iterator = pool:map_tasks(function()
            if left == 0 then return nil end
            left = left - 1
            return TvmSupport.Task.new('echo', GLib.Variant('i', left))
        end, 'NONE')
        for expected = 2, 0, -1 do
            assert(iterator:next():get_value().value == expected)
        end
        assert(iterator:next() == nil)
        assert(pool:shutdown('DRAIN'))
    end },

    { 'locks', function()
        local path = temp:build_path('lock')
        local first = TvmSupport.FileLock.new(path)
        local second = TvmSupport.FileLock.new(path)
        assert(first:acquire(-1))
        local taken, err = second:acquire(0)
        assert(not taken)
        assert(err:matches(TvmSupport.Error, 'TIMED_OUT'), err.message)

        -- One that waits gets it when it is released, and may be cancelled before.
        local order = {}
        local never, why
        local cancellable = Gio.Cancellable()
        run_all(function()
            taken, err = second:async_acquire(-1)
            table.insert(order, 'taken')
        end, function()
            Gio.Async.cancellable = cancellable
            local third = TvmSupport.FileLock.new(path)
            never, why = third:async_acquire(-1)
            table.insert(order, 'released')
            first:release()
        end, function()
            cancellable:cancel()
        end)
        assert(not never)
        assert(why:matches(Gio.IOErrorEnum, 'CANCELLED'), why.message)
        assert(taken, err and err.message)
        assert(table.concat(order, ' ') == 'released taken')
        assert(second:get_held())
    end },

    { 'gets the errors of the library', function()
        local compiler = TvmSupport.Compiler.new_for_command('no-such-compiler')
        local result, err = compiler:compile(request_for(write('x.c', ''), 'x.o', 'OBJECT'))
        assert(not result)
        assert(err:matches(TvmSupport.Error, 'NOT_FOUND'), err.message)
    end },
}

print('1..' .. #tests)
local failed = false
for index, test in ipairs(tests) do
    local ok, message = pcall(test[2])
    print((ok and 'ok ' or 'not ok ') .. index .. ' - ' .. test[1])
    if not ok then
        failed = true
        print('# ' .. tostring(message):gsub('\n', '\n# '))
    end
end
temp:remove()
os.exit(failed and 1 or 0)

# Completion of callspool for fish, printed by: callspool help --fish

# Whether that command was typed; with a number, as the word before that many.
function __callspool_in
    set -l words (commandline -opc)
    test (count $words) -gt 1; and test "$words[2]" = $argv[1]; and begin
        test (count $argv) -eq 1; or test (count $words) -eq $argv[2]
    end
end

function __callspool_first
    test (count (commandline -opc)) -eq 1
end

# KEY=VALUE, as --set takes it: keys end in =, those of which all values are known stand with each of them.
function __callspool_settings
    printf '%s\t%s\n' \
@settings@    true
end

complete -c callspool -f
complete -c callspool -n __callspool_first -l version -d 'print the version'
complete -c callspool -n __callspool_first -l help -d 'print the list of commands'
complete -c callspool -n __callspool_first -a help -d 'print the list of commands, or what a command takes'
@commands@

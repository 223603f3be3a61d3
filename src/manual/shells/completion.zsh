#compdef callspool
# Completion of callspool for zsh, printed by: callspool help --zsh

# KEY=VALUE, as --set takes it.
_callspool_settings()
{
	local -a keys
	if compset -P 1 '*='; then
		case ${${IPREFIX%=}##*=} in
@choices@		esac
		return
	fi
	keys=(
@settings@	)
	_describe -t settings setting keys -S =
}

_callspool_commands()
{
	local -a commands
	commands=(
@names@		'help:print the list of commands, or what a command takes'
	)
	_describe -t commands command commands
}

_callspool()
{
	local curcontext=$curcontext state line
	_arguments -C '(- *)--help[what a command takes]' '(- *)--version[print the version]' \
		'1: :_callspool_commands' '*:: :->rest' && return
	[[ $state == rest ]] || return
	curcontext=${curcontext%:*}-$words[1]:
	case $words[1] in
@commands@	help) _arguments '1: :_callspool_commands' ;;
	esac
}

_callspool "$@"

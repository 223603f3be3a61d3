# Completion of callspool for bash, printed by: callspool help --bash

# The words of the line up to the cursor, from the command on, cut at blanks: bash cuts --set KEY=VALUE at "=", too.
_callspool_words()	# COMMAND
{
	local line=${COMP_LINE:0:COMP_POINT}
	read -ra words <<<"$line"
	[[ $line != *[[:blank:]] ]] || words+=('')
	while ((${#words[@]} > 0)) && [[ ${words[0]} != "$1" ]]; do
		words=("${words[@]:1}")
	done
}

# What the value of an option is; nothing where it takes none.
_callspool_kind()	# COMMAND OPTION
{
	case $1:$2 in
@kinds@	esac
}

_callspool_setting()	# BEGINNING
{
	case $1 in
@choices@	*=*) ;;
	*) compgen -S = -W '@settings@' -- "$1" ;;
	esac
}

_callspool_value()	# KIND BEGINNING
{
	case $1 in
	file) compgen -f -- "$2" ;;
	folder) compgen -d -- "$2" ;;
	setting) _callspool_setting "$2" ;;
	esac
}

_callspool()
{
	local words=() word previous beginning kind='' options='' verbs='' operand='' given
	local breaks=${COMP_WORDBREAKS//[^=:]/}
	COMPREPLY=()
	_callspool_words "$1"
	((${#words[@]} > 1)) || return 0
	word=${words[${#words[@]} - 1]} beginning=$word
	previous=${words[${#words[@]} - 2]}
	case ${words[1]} in
@commands@	help) verbs='@names@' ;;
	esac
	if ((${#words[@]} == 2)); then
		verbs='@names@ help' options='--help --version'
	elif [[ $word == --*=* ]]; then
		kind=$(_callspool_kind "${words[1]}" "${word%%=*}")
		beginning=${word#*=}
	else
		kind=$(_callspool_kind "${words[1]}" "$previous")
	fi

	if [[ -z $kind && $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
	elif [[ -z $kind ]] && ((${#words[@]} <= 3)) && [[ -n $verbs ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$word")
	else
		kind=${kind:-$operand}
		mapfile -t COMPREPLY < <(_callspool_value "$kind" "$beginning")
		[[ $kind != fi* && $kind != fo* ]] || compopt -o filenames 2>/dev/null
	fi
	[[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace 2>/dev/null

	# Where the shell cuts words at "=" or ":", what stands before the last one is given already; elsewhere the reply
	# is to be the whole word.
	if [[ -n $breaks ]]; then
		given=${beginning%"${beginning##*["$breaks"]}"}
		COMPREPLY=("${COMPREPLY[@]#"$given"}")
	fi
	if [[ $breaks != *=* && $word != "$beginning" ]]; then
		COMPREPLY=("${COMPREPLY[@]/#/"${word%%=*}="}")
	fi
} && complete -F _callspool callspool

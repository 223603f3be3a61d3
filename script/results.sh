# shellcheck shell=bash
# Sourced by the scripts that run checks: counts what passed and failed over all of them.
#
# One line a suite, "<passed> <failed> <name>", in the file $CALLSPOOL_RESULTS.  Whoever starts
# first (script/test, script/lint or .ci/run) makes that file, and says the sum at the end.  Beside it
# $CALLSPOOL_RESULTS.times has "<seconds> <test>" for each test, of which the longest are told, .cpu the same of what files of tests took of the processors, .unsteady names what failed first and passed then,
# and .failures has what failed with its error: told once more at the end, because of a long output the middle may be lost.

LONGEST=10

# By the EXIT trap, whatever ends the script: what it names in $at_leave, then what is ours.
results_leave()
{
	[ -z "${at_leave:-}" ] || "$at_leave"
	[ "$RESULTS_OURS" = no ] ||
		rm -f "$CALLSPOOL_RESULTS" "$CALLSPOOL_RESULTS".{times,cpu,unsteady,failures}
}

results_open()
{
	trap results_leave EXIT
	if [ -n "${CALLSPOOL_RESULTS:-}" ]; then
		RESULTS_OURS=no
		return
	fi
	CALLSPOOL_RESULTS=$(mktemp)
	export CALLSPOOL_RESULTS
	RESULTS_OURS=yes
}

# record NAME PASSED FAILED
record()
{
	printf '%s %s %s\n' "$2" "$3" "$1" >>"$CALLSPOOL_RESULTS"
	if [ "$3" -eq 0 ]; then
		printf -- '-- %s: %s passed (%s s so far)\n' "$1" "$2" "$SECONDS"
	else
		printf -- '-- %s: %s passed, %s FAILED (%s s so far)\n' "$1" "$2" "$3" "$SECONDS"
	fi
}

# fail_note NAME TEXT: what is told of it at the end, the text's last lines.
fail_note()
{
	printf '%s\n%s\n' "$1" "$(printf '%s\n' "$2" | tail -n 8 | sed 's/^/      /')" >>"$CALLSPOOL_RESULTS.failures"
}

# check NAME COMMAND...: one check that passes when the command succeeds; its output is shown when not.
check()
{
	local name=$1 out
	shift
	if out=$("$@" 2>&1 </dev/null); then
		record "$name" 1 0
	else
		printf '%s\n' "$out"
		fail_note "$name" "$out"
		record "$name" 0 1
	fi
}

# most FILE WHAT: the first of what it has as "<seconds> <name>".
most()
{
	[ -s "$1" ] || return 0
	printf 'The %s %s:\n' "$LONGEST" "$2"
	sort -rn "$1" | head -n "$LONGEST" | awk '{ s = $1; $1 = ""; printf "%8.1f s %s\n", s, $0 }'
	printf '\n'
}

# Prints the sum when this script opened the results; the exit status tells whether all passed.
results_close()
{
	local passed failed

	passed=$(awk '{ n += $1 } END { print n + 0 }' "$CALLSPOOL_RESULTS")
	failed=$(awk '{ n += $2 } END { print n + 0 }' "$CALLSPOOL_RESULTS")
	if [ "$RESULTS_OURS" = yes ]; then
		printf '\n'
		most "$CALLSPOOL_RESULTS.times" "tests that took longest"
		most "$CALLSPOOL_RESULTS.cpu" "files of tests that took most processor time"
		if [ -s "$CALLSPOOL_RESULTS.failures" ]; then
			printf 'What failed, whether or not it passed then:\n'
			sed 's/^/    /' "$CALLSPOOL_RESULTS.failures"
			printf '\n'
		fi
		if [ -s "$CALLSPOOL_RESULTS.unsteady" ]; then
			printf 'UNSTEADY, passed only when run once more by themselves:\n'
			sed 's/^/    /' "$CALLSPOOL_RESULTS.unsteady"
			printf '\n'
		fi
		awk '{ n = $1; f = $2; $1 = $2 = ""; printf "%6d passed %4d failed %s\n", n, f, $0 }' \
			"$CALLSPOOL_RESULTS"
		printf '%s passed, %s failed\n' "$passed" "$failed"
	fi
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

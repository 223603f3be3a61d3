# shellcheck shell=bash
# Sourced by the scripts that run what gcc's sanitizers look at.

export ASAN_OPTIONS=${ASAN_OPTIONS:-abort_on_error=0:exitcode=99:detect_leaks=1:strict_string_checks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-halt_on_error=1:print_stacktrace=1:exitcode=99}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:exitcode=98:second_deadlock_stack=1}

# For meson setup.  At -O1 it compiles in two thirds of the time of -O2, and it is not our code that tests wait for; what gcc
# warns of at -O3, script/build tells.
OPTIMIZED_FOR_TESTS=(-Ddebug=true -Doptimization=1)
ASAN_BUILD=("${OPTIMIZED_FOR_TESTS[@]}" '-Db_sanitize=address,undefined')

# sanitized_binary TARGETS...: builds callspool and these in build-test and names it, where CALLSPOOL_BIN names none.
sanitized_binary()
{
	[ -z "${CALLSPOOL_BIN:-}" ] || return 0
	script/bootstrap
	[ -f build-test/build.ninja ] || CC=gcc CC_LD=mold meson setup build-test "${ASAN_BUILD[@]}"
	ninja -C build-test --quiet callspool "$@"
	export CALLSPOOL_BIN=$PWD/build-test/callspool
}

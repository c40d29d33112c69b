# Sourced by tests/run and tests/corners/run: what runs beside something else, and does not outlive who started it.
#
#   start COMMAND... [>LOG]   start it apart, where a terminal's signal does not reach it; sets $job
#   finish JOB                wait for it; returns what it ended with
#   stop CODE                 what a signal's trap does: have all of them clean up and end; a second signal ends them now

jobs=

start() {
    "$python" -c 'import os, signal, sys
os.setpgid(0, 0)
signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell has what it starts beside itself ignore it
os.execvp(sys.argv[1], sys.argv[1:])' "$@" </dev/null &
    job=$!
    jobs="$jobs $job"
}

finish() {
    wait "$1" && _ended=0 || _ended=$?
    jobs=$(echo "$jobs " | sed "s/ $1 / /")
    return "$_ended"
}

stop() {
    trap 'signal_jobs KILL' HUP INT TERM
    echo "signal $(($1 - 128)) came: all that runs cleans up and ends" >&2
    signal_jobs INT
    for _job in $jobs; do
        # Once more where a signal ended the waiting.
        wait "$_job" || wait "$_job" || :
    done 2>/dev/null
    exit "$1"
}

signal_jobs() {
    for _job in $jobs; do
        kill -s "$1" -- "-$_job" 2>/dev/null || kill -s TERM "$_job" 2>/dev/null || :
    done
}

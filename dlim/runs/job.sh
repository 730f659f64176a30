# The server's side of a learning job. $1 says what to do, $2 with which job; the rest is the verb's own.
# Runs in the learner's folder; $own is dlim's folder in it. A job learns by a copy of this file in its own folder.
#
# Whatever the job starts has inherited descriptor 9, which is locked: the lock is held as long as anything of it lives.
# Each file appears by a rename, so that whoever reads one reads all of it.
set -u

verb=$1
name=$2
shift 2
case $verb in learn | sweep)
    own=$1
    shift
    ;;
esac
lock=$own/job.lock
jobs=$own/jobs
job=$jobs/$name
cd -P . # for $PWD without its links

BUSY=75 IDLE=76 UNFED=77 AT_HOME=78 # ends that job.py knows

now() { date -u +%Y-%m-%dT%H:%M:%SZ; }

# NAME TEXT: the job's file of that name.
leave() {
    write "$@" && return
    # on a full disk there is still what was set aside
    rm -f "$job/.room"
    write "$@"
}

write() { { printf '%s\n' "$2" >"$job/$1.part"; } 2>/dev/null && mv -f "$job/$1.part" "$job/$1"; }

# NAME: the first line of the job's file of that name, in $line.
said() {
    line=
    [ ! -e "$job/$1" ] || IFS= read -r line <"$job/$1"
    [ -n "$line" ]
}

# TEXT: a line of the job's own in its log.
note() {
    [ -z "$(tail -c 1 "$job/log")" ] || echo
    printf '== %s\n' "$*"
}

# Whether a job, and not only one who looks, has the lock; its name is in $holder.
held() {
    holder=
    [ -e "$lock" ] || return 1
    flock -s -n 8 8<"$lock"
    case $? in
    0) return 1 ;;
    1) read -r holder <"$lock" || : ;;
    *) fail "$lock can't be locked" ;;
    esac
}

running() { held && [ "$holder" = "$name" ] && [ ! -e "$job/ended" ]; }

# All about the job, a line each.
tell() {
    echo "name $name"
    ! running || echo 'running yes'
    [ ! -s "$job/test" ] || echo 'test yes'
    [ ! -s "$job/predict" ] || echo 'predict yes'
    for key in by since boot pid exit_code test_exit_code predict_exit_code archive_exit_code archive.sha256 revision cancelled ended; do
        ! said "$key" || printf '%s %s\n' "$key" "$line"
    done
    [ ! -e "$job/log" ] || stat -c 'log %s' "$job/log"
    IFS= read -r line </proc/sys/kernel/random/boot_id
    echo "now $line"
}

# PROCESS: whether it is a shell that begins or runs a job.
leads() { [ -n "$1" ] && [ "/proc/$1/fd/9" -ef "$lock" ]; }

# TEXT: the processes whose environment has that, as files of /proc.
marked() { grep -lzF "DLIM_JOB=$PWD/$1" /proc/[0-9]*/environ; }

# Processes that hold the lock, as files of /proc.
locking() {
    grep -rl "FLOCK .*WRITE .*:$(stat -c %i "$lock") " /proc/[0-9]*/fdinfo |
        while IFS=/ read -r _ proc pid _ number; do
            # another file system may have a file of that number
            [ "/$proc/$pid/fd/$number" -ef "$lock" ] && echo "/$proc/$pid"
        done
}

# PROCESS: those of the session that it leads, as files of /proc.
session() {
    # its number may be another's by now
    if [ -n "$1" ] && { [ ! -e "/proc/$1" ] || leads "$1"; }; then
        cat /proc/[0-9]*/stat | sed -n "s|^\([0-9]*\) (.*) [^Z] [0-9]* [0-9]* $1 .*|/proc/\1|p"
    fi
}

# The processes of the job. A program may leave the session, close descriptor 9 or lose its environment; which of
# these it does differs (torchrun's workers do the first two), but none does all three.
processes() {
    said pid
    {
        marked "$job/"
        session "$line"
        # the lock may be that of the next job already
        found=$(locking)
        read -r holder <"$lock"
        [ "$holder" != "$name" ] || printf '%s\n' "$found"
    } 2>/dev/null | cut -d / -f 3 | sort -u | grep .
}

# SIGNAL SPARED TENTHS: signal the job's processes but one until there are none, for so many tenths of a second.
finish() {
    tries=$3
    while left=$(processes | grep -vx "$2"); do
        [ "$tries" -gt 0 ] || return 1
        tries=$((tries - 1))
        kill -"$1" $left 2>/dev/null
        sleep 0.1
    done
}

# Take the lock, as descriptor 9. Who only looks is waited for, and for a moment a job that begins, ends, or has lost
# its shell; 1 where a job has it, whose name is then in $holder.
take() {
    exec 9<>"$lock"
    tries=0
    until flock -x -n 9; do
        tries=$((tries + 1))
        if held; then
            line=
            [ ! -e "$jobs/$holder/pid" ] || read -r line <"$jobs/$holder/pid"
            ! { leads "$line" && [ ! -e "$jobs/$holder/ended" ]; } && [ "$tries" -lt 10 ] || return 1
        else
            [ "$tries" -lt 300 ] || fail "$lock is held by something that is no job"
        fi
        sleep 0.1
    done
}

# Every file of the folder, with what changes when it is written to.
seen() {
    find . -path ./.dlim -prune -o \( -type f -o -type l \) -exec stat -c '%n|%s|%y|%z|%i' {} +
}

# The same without the times of changed attributes, which a mere look, such as a hard link, can change.
still() { seen | sed 's/|[^|]*\(|[^|]*\)$/\1/'; }

# The revision of the program, where it is under git.
revision() {
    commit=$(git rev-parse HEAD 2>/dev/null) || return 0
    [ -z "$(git status --porcelain --untracked-files=no . 2>/dev/null | head -n 1)" ] || commit="$commit changed"
    leave revision "$commit"
}

# The folder's contents, but what leave_out has, as a tar.
archive() {
    gnu=
    set -- -X "$job/leave_out" -cf "$job/archive.part"
    if tar --version 2>/dev/null | grep -q GNU; then
        gnu=yes
        # whole nanoseconds, by which the newest weight is chosen; no owners and no times of reading
        set -- --sort=name --owner=0 --group=0 --numeric-owner --format=posix \
            --pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime "$@"
    fi
    tar "$@" .
    status=$?
    # what was there before the job, and is as it was: no weight and no result of its own
    [ ! -e "$job/before" ] || { seen | grep -Fxf "$job/before"; } >"$job/untouched" 2>/dev/null
    # what predict wrote: neither
    [ ! -e "$job/learned" ] || { still | grep -vFxf "$job/learned"; } >"$job/predicted" 2>/dev/null
    # 1 is GNU tar's word for a file, such as a log, that changed as it was read
    if [ "$status" = 0 ] || [ "$status$gnu" = 1yes ]; then
        digest=$(sha256sum <"$job/archive.part") && leave archive.sha256 "${digest%% *}  archive.tar" &&
            mv -f "$job/archive.part" "$job/archive.tar" && return
        status=$?
    fi
    return "$status"
}

# FILE: become the command in it.
become() {
    # what is started in the background ignores INT and QUIT, which programs want for their own children
    plain=
    signals=--default-signal=INT,QUIT,PIPE
    ! env $signals true 2>/dev/null || plain="env $signals"
    # the shots are for what judges, and nothing that learns is told where they are
    [ "$1" != predict ] || export DLIM_SHOTS="$PWD/$job/shots"
    said dataset
    export DLIM_DATASET="$line" DLIM_CLASSES="$line/classes.txt" DLIM_TASK="$name" DLIM_LEARNER="${own##*/}" DLIM_JOB="$PWD/$job/"
    exec $plain sh -c "$(cat "$job/$1")"
}

# Pass TERM on to all that was started.
forward() {
    told=yes again=yes
    trap '' TERM
    kill -TERM "-$$"
    trap forward TERM
}

# COMMAND ...: run it, and end what it leaves running; its status is in $status, whether TERM cut it short in $cut.
attend() {
    again=
    "$@" &
    child=$!
    wait "$child"
    status=$?
    # TERM ends a wait, but not what is waited for; 127 is the answer where that was over
    while [ -n "$again" ]; do
        again=
        wait "$child"
        code=$?
        [ "$code" = 127 ] || status=$code
    done
    cut=$told
    # in a session of its own, without the lock: it would find itself
    (exec setsid sh "$job/script" sweep "$name" "$own" "$$" 9>&-)
}

# PROCESS: the job, from where an earlier run of it left off, as soon as the process that began it lets go of the lock:
# what has that is taken for the job's.
learn() {
    told=
    trap forward TERM
    while leads "$1"; do sleep 0.01; done
    leave pid $$
    if ! said exit_code && [ -z "$told" ]; then
        attend become cmd
        # ended well, but because it was told to: it hasn't learned to its end
        [ "$status$cut" != 0yes ] || status=143
        leave exit_code "$status"
        line=$status
    fi
    if [ "$line" = 0 ]; then
        if [ -z "$told" ] && [ -s "$job/test" ] && ! said test_exit_code; then
            note "test: $(tr '\n' ' ' <"$job/test")"
            attend become test
            [ -n "$cut" ] || leave test_exit_code "$status"
        fi
        if [ -z "$told" ] && [ -s "$job/predict" ] && ! said predict_exit_code; then
            note "predict: $(tr '\n' ' ' <"$job/predict")"
            # once: what is there by now was learned, and what a predict that was cut short has left wasn't
            if [ -e "$job/learned" ] || { still >"$job/learned.part" && mv -f "$job/learned.part" "$job/learned"; }; then
                attend become predict
            else
                status=1 cut=$told
            fi
            [ -n "$cut" ] || leave predict_exit_code "$status"
        fi
        if [ -z "$told" ]; then
            note archive
            attend archive
            rm -f "$job/archive.part"
            [ -n "$cut" ] || leave archive_exit_code "$status"
        fi
    fi
    rm -f "$job/.room"
    leave ended "$(now)"
}

# Begin the job, whose lock is taken: in a session of its own, which nothing but the lock ties to this script.
begin() {
    if ! said exit_code || [ "$line" != 0 ]; then
        rm -f "$job/exit_code" "$job/test_exit_code" "$job/predict_exit_code" "$job/learned"
        leave since "$(now)" || fail "$job can't be written"
    fi
    rm -f "$job/pid" "$job/ended" "$job/cancelled" "$job/archive_exit_code"
    IFS= read -r line </proc/sys/kernel/random/boot_id
    leave boot "$line" || fail "$job can't be written"
    dd if=/dev/zero of="$job/.room" bs=1024 count=64 2>/dev/null
    if [ -s "$job/log" ]; then note "again: $(now)" >>"$job/log"; fi
    setsid sh "$job/script" learn "$name" "$own" $$ </dev/null >>"$job/log" 2>&1 &
    exec 9>&-
    tries=0
    until [ -e "$job/pid" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || fail "$job doesn't begin: $(tail -n 1 "$job/log")"
        sleep 0.05
    done
}

case $verb in

# state: all about the job. running: about that which has the lock.
state) tell ;;
running)
    held || exit 0
    name=$holder job=$jobs/$holder
    tell
    ;;

# log OFFSET BYTES: all about the job, an empty line, and its log from there on.
log)
    tell
    echo
    [ ! -e "$job/log" ] || tail -c "+$(($1 + 1))" "$job/log" | head -c "$2"
    ;;

# list: jobs that nobody needs any more, the newest first.
list)
    for job in "$jobs"/*; do
        [ -d "$job" ] || continue
        name=${job##*/}
        if running || { said exit_code && [ "$line" = 0 ] && [ ! -e "$job/fetched" ]; }; then continue; fi
        said since || line=-
        printf '%s %s\n' "$line" "$name"
    done | sort -r
    ;;

# start SCRIPT COMMAND TEST DATASET LEAVE_OUT BY PREDICT: begin the job, unless it runs or ended well.
# resume: begin the job that is there once more. Both end with BUSY, and all about it, where another job runs.
start | resume)
    tools cat cut date dd env find flock grep head mkdir mv rm sed setsid sha256sum sleep sort stat tail tar tr
    [ "$(cd && pwd -P)" != "$PWD" ] || exit $AT_HOME
    # a link that breaks now leaves nothing half-begun
    trap '' HUP PIPE
    if ! take; then
        ! running || exit 0
        name=$holder job=$jobs/$holder
        tell
        exit $BUSY
    fi
    # by way of cat, which says what is wrong where it can't be written: not every shell does
    printf '%s\n' "$name" | cat >"$lock" || exit 1
    ! said archive_exit_code || [ "$line" != 0 ] || exit 0
    if [ "$verb" = start ]; then
        dataset=$(CDPATH='' cd -P -- "./$4" 2>/dev/null && pwd) || exit $UNFED
        mkdir -p "$job" || exit 1
        leave script "$1" && leave cmd "$2" && leave test "$3" && leave dataset "$dataset" && leave leave_out "$5" &&
            leave by "$6" && leave predict "$7" || fail "$job can't be written"
        [ -n "$3" ] || rm -f "$job/test"
        [ -n "$7" ] || rm -f "$job/predict"
        seen >"$job/before" || fail "$job can't be written"
        revision
    fi
    # what a lost job left: with the lock taken, no other can be meant
    left=$(marked "$jobs/" 2>/dev/null | cut -d / -f 3)
    [ -z "$left" ] || kill -KILL $left 2>/dev/null
    begin
    ;;

# learn OWN PROCESS: the job itself. sweep OWN PROCESS: end what a step of it left, but the job's shell.
learn) learn "$1" ;;
sweep)
    left=$(processes | grep -vx "$1") || exit 0
    note "left running, and ended:" $left
    finish TERM "$1" 10 || finish KILL "$1" 50
    ;;

# cancel BY: tell the job to end; ends with IDLE where it does not run. kill: end all of it.
cancel)
    running || exit $IDLE
    leave cancelled "$1 $(now)"
    said pid
    if leads "$line"; then kill -TERM "$line"; else kill -TERM $(processes); fi
    ;;
kill)
    said pid
    # the job's shell goes last: it still says how the learning ended
    leader=$line
    finish KILL "$leader" 50
    tries=0
    while leads "$leader" && [ "$tries" -lt 30 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
    finish KILL '' 50 || fail "can't be ended:" $left
    [ -e "$job/ended" ] || leave ended "$(now)"
    ;;

# forget: remove the job. Ends with BUSY where it runs.
forget)
    [ -d "$job" ] || exit 0
    take || ! running || exit $BUSY
    # out of the way first, so that half of it never stands under its name
    mv "$job" "$jobs/.gone.$$" || exit 1
    exec 9>&-
    rm -rf "$jobs"/.gone.*
    ;;
esac

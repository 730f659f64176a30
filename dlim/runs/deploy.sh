# The server's side of a deployment, in one call: under the lock it first mends what an interrupted one left, then does
# what it was asked for, writes that down, and removes what no undeployment needs. $1 says what, $2 which file is in
# service, $3 for how many seconds somebody else is waited for, $4 where the service reads its dataset (- where it reads
# none) and $5 how one comes from there to this folder. A digest is - where there is no file.
#
# stack: what stood in service one over the other, the newest first, a line each: its digest, that of its record, that
# of its dataset, its source, and what the history says of it. history.jsonl: all that happened. switching: what is about
# to happen: the action; weight, record, dataset before; the same after; the history's line for it, and for its refusal;
# the stack after it.
#
# Its answers are lines of standard error that begin with "dlim"; standard output is the check's.

step=$1 weight=$2 wait=$3 data=$4 up=$5
shift 5

# Ends that deploy.py knows: another is at it; the weight is not in weights/; its check failed, and what was there before
# is back; the check failed, but it stays; nothing was there before; the stack is still to be made of the history; the
# dataset is not there; what stands in its place is not dlim's; another weight is in service than was looked at before.
BUSY=3 LACKING=5 UNFIT=6 UNWELL=7 NOTHING=8 STACKLESS=9 UNFED=10 FOREIGN=11 OVERTAKEN=12

tools cat chmod cp dirname find flock grep head ln mkdir mv readlink rm rmdir sha256sum stat tail timeout

tell() { printf 'dlim %s\n' "$*" >&2; }

# FILE: its digest.
held() {
    if [ -f "$1" ]; then
        [ -r "$1" ] || fail "$1 can't be read"
        digest <"$1" || exit 1
    elif [ -e "$1" ]; then
        fail "$1 is there, but is no file"
    else
        echo -
    fi
}

# The dataset that the service reads.
fed() {
    target=-
    [ "$data" = - ] || target=$(readlink "$data") || target=-
    case $target in
    */releases/*/data_set) target=${target%/data_set} && printf '%s\n' "${target##*/}" ;;
    *) echo - ;;
    esac
}

log=$own/history.jsonl
ended() { if [ -e "$log" ]; then tail -n 1 "$log"; fi; }
# The same, but for what was refused.
served() { if [ -e "$log" ]; then grep -v '"action":"refused"' "$log" | tail -n 1; fi; }

# Be the only one; else say who is.
lock() {
    mkdir -p "$own/weights" "$(dirname "$weight")" || exit 1
    exec 8>>"$own/switch.lock" || exit 1
    flock -w "$wait" 8
    case $? in
    0) ;;
    1)
        [ ! -e "$own/switching" ] || tell busy "$(head -n 2 "$own/switching" | tail -n 1)"
        exit $BUSY
        ;;
    *) exit 1 ;;
    esac
    # caught and not ignored, which a check would inherit: when dlim goes, this goes on to its end
    trap : HUP PIPE
    trap 'rm -f "$given" "$own/fresh" "$own/history.new" "$own/under" "$own/above" "$weight.dlim-new" \
        "$weight.json.dlim-new"' EXIT
    [ -e "$own/stack" ] || [ ! -e "$log" ] || exit $STACKLESS
    mend
}

# DIGEST SUFFIX: whether weights/ has that file, undamaged.
stored() { [ "$1" = - ] || [ "$(held "$own/weights/$1$2" 2>/dev/null)" = "$1" ]; }

# DIGEST SUFFIX FILE: keep a copy in weights/, as whoever has the file open may write to it still.
keep() {
    stored "$1" "$2" && return
    cp "$3" "$own/fresh" || exit 1
    [ "$(held "$own/fresh")" = "$1" ] || fail "$3 is being written to"
    mv -fT "$own/fresh" "$own/weights/$1$2" || exit 1
}

# LINE: as the history's last.
write_down() {
    if [ -e "$log" ]; then cp "$log" "$own/history.new"; else printf '' >"$own/history.new"; fi || return 1
    if [ -n "$(tail -c 1 "$own/history.new")" ]; then # a crash has cut off its last line
        while IFS= read -r text; do printf '%s\n' "$text"; done <"$log" | cat >"$own/history.new" || return 1
    fi
    line "$1" >>"$own/history.new" && mv -fT "$own/history.new" "$log"
}

# WEIGHT RECORD DATASET: put them into service. The record is renamed first, then the weight; both lie ready beside
# before. Whoever sees a new weight finds its record there.
serve() {
    rm -f "$weight.dlim-new"
    [ "$data" = - ] || [ "$3" = - ] || [ "$(fed)" = "$3" ] || {
        mkdir -p "$(dirname "$data")" && point "$data" "$up$own/releases/$3/data_set" || return 1
    }
    if [ "$1" = - ]; then
        rm -f "$weight" && rm -f "$weight.json"
        return
    fi
    if [ "$1" != "$(held "$weight")" ] || [ -L "$weight" ]; then
        ln "$own/weights/$1" "$weight.dlim-new" 2>/dev/null || cp "$own/weights/$1" "$weight.dlim-new" || return 1
        # whoever could read the one before can read this one
        mode=$(stat -L -c %a "$weight" 2>/dev/null) && chmod "$mode" "$weight.dlim-new" 2>/dev/null
    fi
    if [ "$2" = - ]; then
        rm -f "$weight.json" || return 1
    else
        cp "$own/weights/$2.json" "$weight.json.dlim-new" && mv -fT "$weight.json.dlim-new" "$weight.json" || return 1
    fi
    [ ! -e "$weight.dlim-new" ] || mv -fT "$weight.dlim-new" "$weight"
}

# What is written down as about to happen has happened.
commit() {
    [ "$(ended)" = "$done" ] || write_down "$done" || exit 1
    tail -n +4 "$own/switching" >"$own/fresh" && mv -fT "$own/fresh" "$own/stack" && rm -f "$own/switching" || exit 1
}

# What is written down as about to happen: $action, $was ..., $is ..., $done, $refused.
read_switching() {
    {
        IFS=' ' read -r action was was_record was_data is is_record is_data
        IFS= read -r done
        IFS= read -r refused
    } <"$own/switching" 2>/dev/null
    [ -n "$refused" ]
}

# Bring what an interrupted call left to its end: a deployment is taken back, as its check may have failed; what went out
# of service goes. $mended says which.
mend() {
    mended=
    [ -e "$own/switching" ] || return 0
    # its check may go on still
    if IFS= read -r process 2>/dev/null <"$own/checking" && grep -qF "DLIM_WEIGHT=$(full)" "/proc/$process/environ"; then
        kill -KILL "-$process"
    fi 2>/dev/null
    rm -f "$own/checking"
    now=$(held "$weight") && told=$(held "$weight.json") || exit 1
    if ! read_switching; then
        :
    elif [ "$(ended)" = "$done" ]; then
        commit
    elif [ "$now" != "$was" ] && [ "$now" != "$is" ]; then
        : # a person came between
    elif [ "$action" != deploy ]; then
        if stored "$is" '' && serve "$is" "$is_record" "$is_data"; then commit && mended=$action; fi
    elif [ "$now $told $(fed)" != "$was $was_record $was_data" ] && stored "$was" ''; then
        stored "$was_record" .json || was_record=-
        serve "$was" "$was_record" "$was_data" && write_down "$refused" || exit 1
        mended=$action
    fi
    [ -z "$mended" ] || tell mended "$done"
    rm -f "$own/switching"
}

full() {
    case $weight in
    /*) printf '%s\n' "$weight" ;;
    *) printf '%s\n' "$PWD/${weight#./}" ;;
    esac
}

# Run the check, its lines as they come. What it leaves running has neither the lock nor a hold on us.
checked() {
    mark="dlim $$ ended"
    {
        DLIM_WEIGHT=$(full) timeout -k 10 "$limit" sh -c "$check" 2>&1 </dev/null 8>&- &
        echo $! >"$own/checking"
        wait $!
        status=$?
        while [ $status -gt 128 ] && kill -0 $! 2>/dev/null; do # a signal of ours ended the waiting, and nothing else
            wait $!
            status=$?
        done
        printf '\n%s %s\n' "$mark" $status
    } | (
        trap : HUP PIPE
        while IFS= read -r text; do
            case $text in
            "$mark "*) exit "${text#"$mark "}" ;;
            *) printf '%s\n' "$text" 2>/dev/null ;;
            esac
        done
        exit 1
    )
    status=$?
    rm -f "$own/checking"
    return $status
}

# What stands in service now: $now, $told, $eats; a copy of it in weights/; and on the stack in $own/under, as a person
# may have placed it.
notice() {
    now=$(held "$weight") && told=$(held "$weight.json") && eats=$(fed) || exit 1
    if [ -e "$own/stack" ]; then cat "$own/stack"; fi >"$own/under" || exit 1
    top=
    IFS=' ' read -r top rest <"$own/under"
    [ "$now" = - ] || [ "$now" = "$top" ] || {
        line "$now $told $eats - \"output\":\"\",\"learner\":\"${own##*/}\",\"sha256\":\"$now\",\"path\":\"\"$(quoted record "$told")" |
            cat - "$own/under" >"$own/fresh" && mv -fT "$own/fresh" "$own/under" || exit 1
    }
    keep "$now" '' "$weight"
    keep "$told" .json "$weight.json"
}

# KEY DIGEST: as what a line of the history says of it.
quoted() { if [ "$2" = - ]; then printf ',"%s":null' "$1"; else printf ',"%s":"%s"' "$1" "$2"; fi; }

# ACTION WHAT: the history's line that now happens.
event() {
    printf '{%s,"action":"%s","change":"%s",%s%s%s}\n' "$head" "$1" "$change" "$2" "$(quoted was "$now")" \
        "$(quoted was_record "$told")"
}

# ACTION WEIGHT RECORD DATASET WHAT < the stack after it: switch, run the check, and write down how that ended.
switch() {
    action=$1 is=$2 is_record=$3 is_data=$4
    done=$(event "$1" "$5") refused=$(event refused "$5")
    {
        printf '%s\n' "$1 $now $told $eats $2 $3 $4" "$done" "$refused"
        cat
    } | cat >"$own/fresh" && mv -fT "$own/fresh" "$own/switching" || exit 1
    serve "$2" "$3" "$4" || { mend; exit 1; }
    bad=0
    [ -z "$check" ] || [ "$2" = - ] || checked || bad=$?
    if [ $bad -ne 0 ] && [ "$1" = deploy ]; then
        serve "$now" "$told" "$eats" && write_down "$refused" || exit 1
        rm -f "$own/switching"
        tell check $bad
        [ "$now" = - ] || tell before
        exit $UNFIT
    fi
    commit
    tell event "$done"
    tidy
    [ $bad -eq 0 ] || {
        tell check $bad
        exit $UNWELL
    }
}

# Remove from weights/ what no undeployment needs: kept are what is in service, so many different ones before it, and what
# was taken out last, as a person's may be nowhere else. What nobody knows may be an upload, and goes after a day.
tidy() {
    wanted=" $now $told.json $is $is_record.json " count=0
    while IFS=' ' read -r sha record rest; do
        case $wanted in
        *" $sha "*) ;;
        *) [ $count -le "$many" ] || continue ;;
        esac
        case $seen in
        *" $sha "*) ;;
        *) count=$((count + 1)) seen="$seen $sha " ;;
        esac
        wanted="$wanted $sha $record.json "
    done <"$own/stack"
    for file in "$own"/weights/* "$own"/weights/.*.part; do
        name=${file##*/}
        case $wanted in *" $name "*) continue ;; esac
        if grep -qF "${name%.json}" "$log"; then
            rm -f "$file"
        else
            [ -z "$(find "$file" -mtime +0 2>/dev/null)" ] || rm -f "$file"
        fi
    done
}

given='' seen=' '

case $step in

# look: what is in service and the digest of its record, what is about to happen, and the history. Without the lock, as a
# check may take long.
look)
    for try in 1 2 3; do
        before=$(ended)
        begun=$(head -n 2 "$own/switching" 2>/dev/null | tail -n 1)
        now=$(held "$weight") && told=$(held "$weight.json") || exit 1
        [ "$(ended)" = "$before" ] && break
    done
    printf '%s %s\n%s\n' "$now" "$told" "$begun"
    if [ -e "$log" ]; then cat "$log"; fi
    ;;

# held: the digests of what is in service and of its record, and that record. Without the lock, too; whoever then says
# what a weight takes the place of is told where another is there meanwhile.
held)
    now=$(held "$weight") && told=$(held "$weight.json") || exit 1
    printf '%s %s\n' "$now" "$told"
    [ "$told" = - ] || cat "$weight.json"
    ;;

# adopt < the stack: of a history that has none yet.
adopt)
    given=$own/.stack-$$
    mkdir -p "$own" && cat >"$given" || exit 1
    exec 8>>"$own/switch.lock" && flock -w "$wait" 8 || exit 1
    trap 'rm -f "$given"' EXIT
    [ -e "$own/stack" ] || {
        rm -f "$own/switching"
        mv -f "$given" "$own/stack"
    }
    ;;

# deploy HEAD CHANGE WEIGHT RECORD DATASET SOURCE WHAT KEEP CHECK LIMIT OVER < record: put a weight into service, in the
# place of OVER: the digests of a weight and its record, or any. undeploy HEAD CHANGE EMPTY KEEP CHECK LIMIT: what was there
# before comes back; where nothing was and EMPTY, the weight goes. undo: the same, if CHANGE is what happened last. A
# CHANGE that has happened isn't done again.
deploy)
    head=$1 change=$2 new=$3 record=$4 feeds=$5 source=$6 what=$7 many=$8
    shift 8
    check=$1 limit=$2 over=$3
    # all of it before the lock, which a link that falls silent here would keep
    mkdir -p "$own/weights" || exit 1
    given=$own/weights/.record-$$.part
    exec 6>"$given" && flock -x 6 || exit 1 # while this runs: what a killed one left is nobody's
    trap 'rm -f "$given"' EXIT
    cat >"$given" || exit 1
    for each in "$own"/weights/.record-*.part; do
        (flock -x -n 6 && rm -f "$each") 6>>"$each"
    done
    [ "$(held "$given")" = "$record" ] || fail 'the record was cut off'
    lock
    notice
    IFS=' ' read -r top top_record top_data top_source rest <"$own/under"
    if [ "$now $told" = "$top $top_record" ] && [ "$top_source" = "$source" ] &&
        { [ "$data" = - ] || [ "$feeds" = "$eats" ]; }; then
        tell event "$(served)"
        exit 0
    fi
    [ "$over" = any ] || [ "$over" = "$now $told" ] || exit $OVERTAKEN
    stored "$new" '' || exit $LACKING
    [ "$data" = - ] || {
        [ -d "$own/releases/$feeds/data_set" ] || exit $UNFED
        [ -L "$data" ] || [ ! -e "$data" ] || rmdir "$data" 2>/dev/null || exit $FOREIGN
    }
    mv -fT "$given" "$own/weights/$record.json" || exit 1
    # one source twice is one step
    from=1
    [ "$top_source" = "$source" ] && [ "$top" = "$new" ] && from=2
    {
        line "$new $record $feeds $source $what"
        tail -n +$from "$own/under"
    } >"$own/above" || exit 1
    switch deploy "$new" "$record" "$feeds" "$what" <"$own/above"
    ;;
undeploy | undo)
    head=$1 change=$2 empty=$3 many=$4 check=$5 limit=$6
    lock
    last=$(ended)
    case $last in
    *"\"change\":\"$change\""*)
        case $last in
        *'"action":"deploy"'*) ;;
        *) tell event "$last" && exit 0 ;;
        esac
        ;;
    *) [ "$step" = undeploy ] || exit 0 ;;
    esac
    [ -z "$mended" ] || {
        tell ended
        exit 0
    }
    notice
    from=2
    [ "$now" = - ] && from=1
    tail -n +$from "$own/under" >"$own/above" || exit 1
    IFS=' ' read -r new record feeds source what <"$own/above" || new=
    if [ -n "$new" ]; then
        stored "$new" '' || {
            tell event "{$head,\"action\":\"deploy\",$what}"
            exit $LACKING
        }
        [ "$data" = - ] || [ "$feeds" = - ] || [ -d "$own/releases/$feeds/data_set" ] || {
            tell event "{$head,\"action\":\"deploy\",$what}"
            exit $UNFED
        }
        stored "$record" .json || record=-
        switch undeploy "$new" "$record" "$feeds" "$what" <"$own/above"
    elif [ "$now" = - ] || [ -z "$empty" ]; then
        [ "$now" = - ] || {
            IFS=' ' read -r new record feeds source what <"$own/under"
            tell event "{$head,\"action\":\"deploy\",$what}"
        }
        exit $NOTHING
    else
        IFS=' ' read -r new record feeds source what <"$own/under"
        switch empty - - - "$what" </dev/null
    fi
    ;;
esac

# The server's side of a deployment. $1 says which step, $2 which file is in service, $3 for how many seconds somebody
# else's switch is waited for; the rest is the step's. A digest is - where there is no file.
# Runs in the learner's folder; $own is dlim's folder in it.

step=$1 weight=$2 wait=$3
shift 3

# Ends that switch.py knows: another is at it; something has changed; the weight is not in weights/; its check failed,
# and what was there before is back; the check failed, but it stays.
BUSY=3 CHANGED=4 LACKING=5 UNFIT=6 UNWELL=7

for program in flock sha256sum timeout; do
    command -v $program >/dev/null || { echo "$program: not found" >&2; exit 127; }
done

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# TEXT: as a line, written by a program that says what is wrong where it can't be: not every shell does.
line() { printf '%s\n' "$1" | cat; }

# FILE: its digest.
held() {
    if [ -f "$1" ]; then
        [ -r "$1" ] || fail "$1 can't be read"
        # openssl is several times faster, but not everywhere
        sum=$(openssl dgst -sha256 -r <"$1" 2>/dev/null) || sum=$(sha256sum <"$1") || exit 1
        printf '%s\n' "${sum%% *}"
    elif [ -e "$1" ]; then
        fail "$1 is there, but is no file"
    else
        echo -
    fi
}

log=$own/history.jsonl
lines() { if [ -e "$log" ]; then wc -l <"$log"; else echo 0; fi; }

# $begun: the line of the switch whose end nobody heard.
look() {
    begun=
    IFS= read -r begun 2>/dev/null <"$own/switching" || :
}

# Be the only one; else say who is.
lock() {
    exec 8>>"$own/switch.lock" || exit 1
    flock -w "$wait" 8
    case $? in
    0) ;;
    1) look; printf '%s\n' "$begun" >&2; exit $BUSY ;;
    *) exit 1 ;;
    esac
}

# DIGEST SUFFIX: whether weights/ has that file, undamaged.
stored() { [ "$1" = - ] || [ "$(held "$own/weights/$1$2" 2>/dev/null)" = "$1" ]; }

# DIGEST SUFFIX FILE: keep a copy in weights/, as whoever has the file open may write to it still.
keep() {
    stored "$1" "$2" && return
    cp "$3" "$own/fresh" || exit 1
    [ "$(held "$own/fresh")" = "$1" ] || exit $CHANGED
    mv -fT "$own/fresh" "$own/weights/$1$2" || exit 1
}

# LINE: the history and that line, in history.new.
with() {
    if [ -e "$log" ]; then cp "$log" "$own/history.new"; else printf '' >"$own/history.new"; fi || return 1
    if [ -n "$(tail -c 1 "$own/history.new")" ]; then # a crash has cut off its last line
        while IFS= read -r text; do printf '%s\n' "$text"; done <"$log" | cat >"$own/history.new" || return 1
    fi
    line "$1" >>"$own/history.new"
}

# NEW RECORD NOW: put NEW into service, with RECORD, in the place of NOW. The record is renamed first, then the weight;
# both lie ready beside before.
serve() {
    rm -f "$weight.dlim-new"
    if [ "$1" = - ]; then
        rm -f "$weight" && rm -f "$weight.json"
        return
    fi
    if [ "$1" != "$3" ] || [ -L "$weight" ]; then
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

# Run the check, its lines as they come. What it leaves running has neither the lock nor a hold on us.
checked() {
    case $weight in
    /*) full=$weight ;;
    *) full=$PWD/${weight#./} ;;
    esac
    mark="dlim $$ ended"
    {
        DLIM_WEIGHT=$full timeout -k 10 "$limit" sh -c "$check" 2>&1 </dev/null 8>&-
        printf '\n%s %s\n' "$mark" $?
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
}

case $step in

# look: what is in service and the digest of its record, $begun, and the history. Without the lock, as a check may take
# long.
look)
    for try in 1 2 3; do
        look
        line=$begun before=$(lines)
        now=$(held "$weight") && told=$(held "$weight.json") || exit 1
        look
        [ "$begun" = "$line" ] && [ "$(lines)" = "$before" ] && break
    done
    printf '%s %s\n%s\n' "$now" "$told" "$line"
    if [ -e "$log" ]; then cat "$log"; fi
    ;;

# switch LINES HEARD NOW TOLD NEW RECORD LINE REFUSED ACTION CHECK LIMIT < record: from NOW and its record TOLD to NEW
# and RECORD, with LINE for the history, or REFUSED where a deployment's check fails; unless something has changed since
# the history had so many LINES, and $begun was HEARD.
switch)
    lines=$1 heard=$2 now=$3 told=$4 new=$5 record=$6 line=$7 refused=$8 action=$9
    shift 9
    check=$1 limit=$2
    mkdir -p "$own/weights" "$(dirname "$weight")" || exit 1
    # all of it before the lock, which a link that falls silent here would keep
    given=$own/weights/.record-$$.part
    trap 'rm -f "$given"' EXIT
    cat >"$given" || exit 1
    lock
    # caught and not ignored, which a check would inherit: when dlim goes, this goes on to its end
    trap : HUP PIPE
    trap 'rm -f "$given" "$own/fresh" "$own/history.new" "$weight.dlim-new" "$weight.json.dlim-new"' EXIT
    look
    [ "$begun" = "$heard" ] && [ "$(lines)" -eq "$lines" ] || exit $CHANGED
    [ "$(held "$weight")" = "$now" ] && [ "$(held "$weight.json")" = "$told" ] || exit $CHANGED
    stored "$new" '' || exit $LACKING

    if [ -s "$given" ]; then
        [ "$(held "$given")" = "$record" ] || fail 'the record was cut off'
        mv -fT "$given" "$own/weights/$record.json" || exit 1
    fi
    if ! stored "$record" .json; then
        [ "$action" != deploy ] || fail 'the record was cut off'
        record=-
    fi
    keep "$now" '' "$weight"
    keep "$told" .json "$weight.json"
    line "$line" >"$own/fresh" && mv -fT "$own/fresh" "$own/switching" || exit 1
    with "$line" || exit 1
    serve "$new" "$record" "$now" || exit 1

    bad=0
    [ -z "$check" ] || checked || bad=$?
    if [ $bad -ne 0 ] && [ "$action" = deploy ]; then
        serve "$now" "$told" "$new" && with "$refused" && mv -fT "$own/history.new" "$log" || exit 1
        rm -f "$own/switching"
        echo $bad >&2
        exit $UNFIT
    fi
    mv -fT "$own/history.new" "$log" || exit 1
    [ $bad -eq 0 ] || { echo $bad >&2; exit $UNWELL; }
    ;;

# tidy LINES ENDED < "keep NAME" and "drop NAME" lines, for a history of so many LINES: remove from weights/ what is to
# go, and after a day what is not named, such as the rest of an upload; and the line of the switch that ENDED.
tidy)
    list=$(cat)
    lock
    [ "$(lines)" -eq "$1" ] || exit 0
    for file in "$own"/weights/* "$own"/weights/.*.part; do
        name=${file##*/}
        case "
$list
" in
        *"
keep $name
"*) continue ;;
        *"
drop $name
"*) rm -f "$file" ;;
        *) [ -z "$(find "$file" -mtime +0 2>/dev/null)" ] || rm -f "$file" ;;
        esac
    done
    look
    [ "$begun" != "$2" ] || rm -f "$own/switching"
    ;;
esac

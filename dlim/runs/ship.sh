# Part of `doit ship`: what a server does with the pieces of a dataset. $1 says which step; the rest is the step's.
# Runs in the learner's folder; $own is dlim's folder in it. Lists come through standard input, as they may be long.
# Programs are started once for all pieces and not once for each: a dataset may have thousands.

step=$1
shift
export LC_ALL=C

tools cat comm cut find flock gzip ln ls mkdir mv readlink rm rmdir sort tar touch wc xargs

# Whole pieces that a ship brought become pieces, also those of one that was interrupted or whose link has gone silent.
# What is cut off goes, but not from under a ship that is still at it: that holds its lock.
gather() {
    for folder in "$own"/incoming.*; do
        [ -d "$folder" ] || continue
        (
            flock -x -n 7
            busy=$?
            digests "$folder" | while read -r digest file; do
                if [ "./$digest" = "$file" ]; then
                    mv -f "$folder/$digest" "$own/pieces/$digest"
                elif [ $busy = 0 ]; then
                    rm -f "$folder/$file"
                fi
            done
            [ $busy = 0 ] && rmdir "$folder"
            [ -d "$folder" ] || rm -f "$own/taking.${folder##*.}"
        ) 7>>"$own/taking.${folder##*.}" 2>/dev/null
    done
}

# The pieces named in $list, one after the other.
joined() { printf '%s\n' "$list" | (cd "$own/pieces" && xargs cat); }

case $step in

# ask DATASET LINK TARGET < "digest size" lines: the digests that are lacking; "here" where the dataset is extracted,
# "current" where the learner reads it already.
ask)
    mkdir -p "$own/pieces" "$own/releases" || exit 1
    gather
    mine=$own/asked.$$
    trap 'rm -f "$mine"' EXIT
    sort -u >"$mine" || exit 1
    (cd "$own/pieces" && find . -type f -exec wc -c {} +) | while read -r size file; do
        echo "${file#./} $size"
    done | sort | comm -23 "$mine" - | cut -d ' ' -f 1
    if [ -d "$own/releases/$1/data_set" ]; then
        [ "$(readlink "$2")" = "$3" ] && echo current || echo here
    fi
    ;;

# take < tar: the pieces in it.
take)
    into=$own/incoming.$$
    exec 7>>"$own/taking.$$" || exit 1
    flock -x 7
    mkdir -p "$into" || exit 1
    trap '' PIPE HUP
    tar xf - -C "$into"
    status=$?
    exec 7>&-
    gather
    exit $status
    ;;

# join DATASET < digests: the dataset extracted beside, and renamed. Ends with 3 where pieces were lacking or damaged,
# which then are gone. Until it has ended no other ship removes pieces.
join)
    list=$(cat)
    release=$own/releases/$1
    [ -d "$release/data_set" ] && exit 0
    exec 7>>"$own/pieces.lock" && flock -s 7 || exit 1
    if [ "$(joined 2>/dev/null | digest)" != "$1" ]; then
        digests "$own/pieces" | while read -r digest file; do
            [ "./$digest" = "$file" ] || rm -f "$own/pieces/$file"
        done
        exit 3
    fi
    fresh=$own/releases/.fresh-$$
    trap 'rm -rf "$fresh"' EXIT
    mkdir "$fresh" || exit 1
    # by way of cat, which says what is wrong where it can't be written: not every shell does
    printf '%s\n' "$list" | cat >"$fresh/pieces" || exit 1
    # by way of gzip, as not every tar knows z; a tar ends well without a piece that is gone by now, which is xargs' 123
    { joined || [ $? != 123 ] || : >"$fresh/lacks"; } | gzip -dc | tar xf - -C "$fresh" || exit 1
    [ ! -e "$fresh/lacks" ] || exit 3
    [ -d "$fresh/data_set" ] || fail 'the archive holds no data_set/'
    mv -T "$fresh" "$release" 2>/dev/null || [ -d "$release/data_set" ] || fail "can't rename $fresh to $release"
    ;;

# switch DATASET LINK TARGET KEEP: the learner reads that dataset from now on; old ones go. Ends with 3 where another
# ship has removed that dataset, 4 where learning is going on, 5 where the link would replace what dlim didn't make.
switch)
    link=$2
    exec 8>>"$own/switch.lock" 9>>"$own/job.lock" || exit 1
    flock -w 20 8 || fail 'another ship or deployment is taking long'
    flock -s -w 2 9 || exit 4
    [ -d "$own/releases/$1/data_set" ] || exit 3
    if [ -e "$link" ] && [ ! -L "$link" ]; then rmdir "$link" 2>/dev/null || exit 5; fi
    if [ "$(readlink "$link")" != "$3" ]; then
        mkdir -p "$(dirname "$link")" || exit 1
        rm -f "$link.dlim-new"
        ln -s "$3" "$link.dlim-new" && mv -Tf "$link.dlim-new" "$link" || exit 1
    fi

    touch "$own/releases/$1"
    kept=0
    for release in $(ls -t "$own/releases"); do
        kept=$((kept + 1))
        # out of the way first, so that half of it never stands under its name
        [ $kept -le "$4" ] || mv "$own/releases/$release" "$own/releases/.old-$release"
    done
    rm -rf "$own"/releases/.old-*
    exec 7>>"$own/pieces.lock" || exit 1
    flock -x -n 7 || exit 0 # another ship needs its pieces; the next one tidies up
    list=$own/kept.$$
    trap 'rm -f "$list"' EXIT
    cat "$own"/releases/*/pieces | sort -u >"$list" || exit 1
    ls "$own/pieces" | comm -23 - "$list" | (cd "$own/pieces" && xargs rm -f)
    ;;
esac

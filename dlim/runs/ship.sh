# The server's side of `doit ship`, in one call: what an interrupted one brought is kept, what is lacking is told; where
# nothing is, the dataset is extracted beside and the learner reads it from then on. Lists come through standard input, as
# they may be long. Programs are started once for all pieces and not once for each: a dataset may have thousands.
#
# ship DATASET LINK TARGET KEEP < "digest size" lines. bring ... < tar: the same, with the list as its first file, called
# wanted, and pieces behind it. Both print "current" where the learner reads that dataset already, "switched" where it
# reads it now; without a LINK nothing is switched.

step=$1 dataset=$2 link=$3 target=$4 most=$5
shift 5
export LC_ALL=C

# Ends that ship.py knows: pieces are lacking, whose digests are printed; learning is going on; the link would replace
# what dlim didn't make.
LACKING=3 LEARNING=4 FOREIGN=5

tools cat cp cut dirname find flock grep gzip head ln ls mkdir mv readlink rm rmdir sort tar touch tr wc xargs

release=$own/releases/$dataset
wanted=$own/wanted.$$
fresh=$own/releases/.fresh-$$

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

# Print the digests that are lacking, and end, where some are.
require() {
    (cd "$own/pieces" && find . -type f -exec wc -c {} +) | while read -r size file; do
        echo "${file#./} $size"
    done >"$wanted.there"
    sort -u "$wanted" | grep -vxFf "$wanted.there" | cut -d ' ' -f 1 | grep . && exit $LACKING
}

# Pieces from standard input, one after the other.
joined() { (cd "$own/pieces" && xargs cat); }

# The files in the pieces of standard input.
members() { { joined && cat "$own/pieces/$end"; } | gzip -dc | tar tf - | grep -v '/$'; }

# FOLDER: how many files it has, and how many of them were written to since they were extracted.
count() { (cd "$1" && find . -type f | wc -l && find . -type f -newer "./$2" | wc -l) | tr '\n' ' '; }

# The dataset of the release before, with links in the place of copies, and only what differs extracted; 1 where there is
# none, most of it differs, or somebody has written to it.
from_before() {
    before=
    for each in $(ls -t "$own/releases"); do
        [ -s "$own/releases/$each/count" ] && before=$own/releases/$each && break
    done
    [ -n "$before" ] || return 1
    end=$(tail -n 1 "$fresh/pieces")
    grep -vxFf "$before/pieces" "$fresh/pieces" >"$wanted.new"
    grep -vxFf "$fresh/pieces" "$before/pieces" >"$wanted.old"
    [ "$(wc -l <"$wanted.new")" -le $(($(wc -l <"$fresh/pieces") / 2)) ] || return 1
    (cd "$own/pieces" && xargs ls) <"$wanted.old" >/dev/null 2>&1 || return 1
    first=$(cd "$before" && find data_set -type f | head -n 1)
    [ -n "$first" ] && [ "$(count "$before" "$first")" = "$(cat "$before/count")" ] || return 1
    cp -al "$before/data_set" "$fresh/data_set" 2>/dev/null || return 1
    cat "$wanted.old" "$wanted.new" | members | tr '\n' '\0' | (cd "$fresh" && xargs -0 rm -f)
    { joined <"$wanted.new" && cat "$own/pieces/$end"; } | gzip -dc | tar xf - -C "$fresh"
}

# Extract the dataset beside, and rename it. Pieces that are damaged go, and are lacking then. Until it has ended no other
# ship removes pieces.
join() {
    [ -d "$release/data_set" ] && return
    exec 7>>"$own/pieces.lock" && flock -s 7 || exit 1
    mkdir "$fresh" || exit 1
    cut -d ' ' -f 1 "$wanted" >"$fresh/pieces" || exit 1
    if [ "$(joined <"$fresh/pieces" 2>/dev/null | digest)" != "$dataset" ]; then
        digests "$own/pieces" | while read -r digest file; do
            [ "./$digest" = "$file" ] || rm -f "$own/pieces/$file"
        done
        require
        exit $LACKING
    fi
    from_before || {
        rm -rf "$fresh/data_set"
        # by way of gzip, as not every tar knows z; a tar ends well without a piece that is gone by now: xargs' 123
        { joined <"$fresh/pieces" || [ $? != 123 ] || : >"$fresh/lacks"; } | gzip -dc | tar xf - -C "$fresh" || exit 1
        [ ! -e "$fresh/lacks" ] || exit $LACKING
    }
    [ -d "$fresh/data_set" ] || fail 'the archive holds no data_set/'
    first=$(cd "$fresh" && find data_set -type f | head -n 1)
    count "$fresh" "$first" >"$fresh/count" || exit 1
    mv -T "$fresh" "$release" 2>/dev/null || [ -d "$release/data_set" ] || fail "can't rename $fresh to $release"
    exec 7>&-
}

# The learner reads the dataset from now on; old ones go, but what a service reads or would go back to.
switch() {
    exec 8>>"$own/switch.lock" 9>>"$own/job.lock" || exit 1
    flock -w 20 8 || fail 'another ship or deployment is taking long'
    flock -s -w 2 9 || exit $LEARNING
    [ -d "$release/data_set" ] || exit $LACKING
    if [ -e "$link" ] && [ ! -L "$link" ]; then rmdir "$link" 2>/dev/null || exit $FOREIGN; fi
    if [ "$(readlink "$link")" != "$target" ]; then
        mkdir -p "$(dirname "$link")" && point "$link" "$target" || exit 1
    fi
    touch "$release"
    kept=0
    for each in $(ls -t "$own/releases"); do
        kept=$((kept + 1))
        [ $kept -gt "$most" ] || continue
        if [ -e "$own/stack" ] && head -n 2 "$own/stack" | grep -qF " $each "; then continue; fi
        # out of the way first, so that half of it never stands under its name
        mv "$own/releases/$each" "$own/releases/.old-$each"
    done
    rm -rf "$own"/releases/.old-*
    exec 7>>"$own/pieces.lock" || exit 1
    flock -x -n 7 || return 0 # another ship needs its pieces; the next one tidies up
    cat "$own"/releases/*/pieces | sort -u >"$wanted.kept" || exit 1
    ls "$own/pieces" | grep -vxFf "$wanted.kept" | (cd "$own/pieces" && xargs rm -f)
}

mkdir -p "$own/pieces" "$own/releases" || exit 1
# what this script makes for itself is locked while it runs: what a killed one left is nobody's
exec 6>>"$wanted.own" && flock -x 6 || exit 1
trap 'rm -rf "$wanted" "$wanted".* "$fresh"' EXIT
for each in "$own"/wanted.*.own; do
    left=${each%.own}
    (flock -x -n 6 && rm -rf "$left" "$left".* "$own/releases/.fresh-${left##*.}") 6>>"$each"
done
if [ "$step" = bring ]; then
    into=$own/incoming.$$
    exec 7>>"$own/taking.$$" || exit 1
    flock -x 7
    mkdir -p "$into" || exit 1
    trap '' PIPE HUP
    tar xf - -C "$into"
    status=$?
    [ ! -e "$into/wanted" ] || mv -f "$into/wanted" "$wanted"
    exec 7>&-
    gather
    [ $status = 0 ] || exit $status
else
    # by way of cat, which says what is wrong where it can't be written: not every shell does
    cat >"$wanted" || exit 1
    gather
fi
if [ -d "$release/data_set" ] && [ -n "$link" ] && [ "$(readlink "$link")" = "$target" ]; then
    echo current
    exit 0
fi
[ -d "$release/data_set" ] || require
join
[ -n "$link" ] || exit 0
switch
echo switched

# Builds what ./examples/run, ./benchmarks/run and ./stress/run start. Sourced by them, behind find-jdk.sh; it only defines a function.
# shellcheck shell=bash

# Sets JAVA_HOME, and modules to the folder with the jars of module $2 of the checkout $1; builds them first if they are
# missing or older than their sources. Ends the script with exit code 2 if that cannot be.
build_once() {
    local root=$1 module=$2
    local stamp=$root/$module/target/run.stamp
    modules=$root/$module/target/modules
    if ! find_jdk; then
        echo "$module/run: $jdk_advice" >&2
        exit 2
    fi
    if [[ -f $stamp && -z $(find "$root"/pom.xml "$root"/*/pom.xml "$root"/*/src/main -newer "$stamp" -print -quit) ]]; then
        return
    fi
    find_maven "$root"
    mkdir -p "$root/target" "$root/$module/target"
    touch "$stamp.new" # before the build: what is edited while it runs is newer
    echo "$module/run: building (once; takes a minute, more if libraries must be fetched)" >&2
    rm -rf "$modules"
    if ! (cd "$root" && "$maven" -B -ntp -pl "$module" -am -Dmaven.test.skip=true -Dmaven.compiler.failOnWarning=false package) \
        >"$root/target/$module-build.log" 2>&1 </dev/null; then
        echo "$module/run: the build failed, see $root/target/$module-build.log" >&2
        exit 2
    fi
    mv "$stamp.new" "$stamp"
}

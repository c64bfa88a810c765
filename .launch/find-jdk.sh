# Finds the JDK and the Maven that the launchers run on. Sourced by them; it only defines functions.
# shellcheck shell=bash

jdk_wanted=25
jdk_advice="no JDK $jdk_wanted or newer found: install one from https://adoptium.net/temurin/releases/?version=$jdk_wanted or set JAVA_HOME to one"

# Sets jdk_major to the feature release of the JDK in folder $1; fails if there is no JDK in it.
jdk_major_of() {
    local line
    jdk_major=
    [[ -x $1/bin/java && -x $1/bin/javac && -r $1/release ]] || return 1
    while IFS= read -r line; do
        [[ $line =~ ^JAVA_VERSION=\"(1\.)?([0-9]+) ]] && jdk_major=${BASH_REMATCH[2]} && return 0
    done <"$1/release"
    return 1
}

jdk_fits() {
    jdk_major_of "$1" && ((jdk_major >= jdk_wanted))
}

# Prints the home of the java that PATH finds first.
jdk_of_path() {
    local java home
    java=$(command -v java) || return 1
    home=$(readlink -f "$java" 2>/dev/null) || home=$java
    home=${home%/bin/java}
    if [[ ! -r $home/release ]]; then # a shim or a stub: it must say itself where its home is
        home=$("$java" -XshowSettings:properties -version 2>&1 | sed -n 's/^ *java\.home = //p')
    fi
    printf '%s\n' "$home"
}

# Sets JAVA_HOME to the JDK to use and exports it; fails, with JAVA_HOME as it was, if there is none.
# Order: JAVA_HOME, PATH, then of all usual places the oldest that fits, because that is what was tested most.
find_jdk() {
    local home best='' best_major=1000
    if [[ -n ${JAVA_HOME:-} ]] && jdk_fits "$JAVA_HOME"; then
        export JAVA_HOME
        return 0
    fi
    if home=$(jdk_of_path) && jdk_fits "$home"; then
        export JAVA_HOME=$home
        return 0
    fi
    local user=${HOME:-/nonexistent}
    for home in /usr/lib/jvm/* /usr/lib64/jvm/* /usr/java/* /usr/local/java/* /usr/local/*jdk* /opt/*jdk* /opt/java/* \
        /opt/*jdk*/* "$user"/.jdks/* "$user"/.sdkman/candidates/java/* "${SDKMAN_DIR:-$user/.sdkman}"/candidates/java/* \
        "$user"/.asdf/installs/java/* "$user"/.local/share/mise/installs/java/* "$user"/.jabba/jdk/* \
        /Library/Java/JavaVirtualMachines/*/Contents/Home "$user"/Library/Java/JavaVirtualMachines/*/Contents/Home \
        /opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home /usr/local/opt/openjdk*/libexec/openjdk.jdk/Contents/Home; do
        if jdk_fits "$home" && ((jdk_major < best_major)); then
            best=$home best_major=$jdk_major
        fi
    done
    if [[ -z $best && -x /usr/libexec/java_home ]]; then
        home=$(/usr/libexec/java_home -v "$jdk_wanted+" 2>/dev/null) && jdk_fits "$home" && best=$home
    fi
    [[ -n $best ]] || return 1
    export JAVA_HOME=$best
}

# Sets maven to the command to use: mvn of PATH if it is 3.8 or newer, else the wrapper in folder $1. Needs JAVA_HOME.
find_maven() {
    maven=$1/mvnw
    local version
    if command -v mvn >/dev/null && version=$(mvn -B --version 2>/dev/null) &&
        [[ $version =~ Apache\ Maven\ ([0-9]+)\.([0-9]+) ]] &&
        ((BASH_REMATCH[1] > 3 || (BASH_REMATCH[1] == 3 && BASH_REMATCH[2] >= 8))); then
        maven=mvn
    fi
}

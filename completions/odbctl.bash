# Completion of odbctl for bash; made by `odbctl completion bash`.

_odbctl_options() {
    case "$1 $2" in
        "codebase add") echo "--color --help --home --json --name --output --python --repo --source-root" ;;
        "codebase list"|"codebase ls") echo "--color --filter --help --home --json --no-headers --output --quiet --sort" ;;
        "codebase show") echo "--color --help --home --json --output" ;;
        "codebase services") echo "--color --filter --help --home --json --no-headers --output --quiet --sort" ;;
        "codebase remove"|"codebase rm") echo "--color --dry-run --help --home --json --output --yes" ;;
        "codebase prune") echo "--color --help --home --json --output" ;;
        "service create") echo "--class --codebase --color --config --cores --count --cpu-limit --depends-on --env --env-file --help --home --json --liveness --log-max-size --log-quota --memory-limit --move-after --no-singleton --on-unhealthy --output --overlap --placement --port --probe-failures --probe-period --probe-timeout --ram-gb --readiness --restart --schedule --singleton --start-grace --stop-grace --stop-signal --time-zone" ;;
        "service set") echo "--color --cores --cpu-limit --depends-on --env --env-file --help --home --json --liveness --log-max-size --log-quota --memory-limit --move-after --no-singleton --no-wait --on-unhealthy --output --overlap --placement --port --probe-failures --probe-period --probe-timeout --ram-gb --readiness --restart --schedule --settle --singleton --start-grace --stop-grace --stop-signal --time-zone --timeout --unset --unset-env --wait" ;;
        "service edit"|"edit "*) echo "--color --help --home --json --no-wait --output --settle --timeout --wait" ;;
        "service list"|"service ls"|"ls "*) echo "--color --filter --help --home --json --no-headers --output --quiet --sort" ;;
        "service show") echo "--color --help --home --json --output" ;;
        "service start"|"start "*) echo "--all --color --count --deps --help --home --json --no-deps --no-wait --output --timeout --wait" ;;
        "service stop"|"stop "*) echo "--all --color --help --home --json --no-wait --output --timeout --wait" ;;
        "service run") echo "--color --follow --help --home --json --output --timeout --wait" ;;
        "service runs") echo "--color --filter --help --home --json --no-headers --output --quiet --sort" ;;
        "service restart"|"restart "*) echo "--all --color --help --home --json --no-wait --output --settle --timeout --wait" ;;
        "service scale"|"scale "*) echo "--color --help --home --json --no-wait --output --timeout --wait" ;;
        "service status"|"status "*) echo "--all --color --filter --help --home --json --no-headers --output --quiet --sort --watch" ;;
        "service logs"|"logs "*) echo "--all --color --follow --grep --help --home --instance --json --level --lines --output --previous --since --tail --until" ;;
        "service configure") echo "--color --env --env-file --help --home --json --no-wait --output --settle --timeout --unset --unset-env --wait" ;;
        "service deploy"|"deploy "*) echo "--color --force --help --home --json --no-wait --output --settle --timeout --wait" ;;
        "service rollback"|"rollback "*) echo "--color --help --home --json --no-wait --output --settle --timeout --wait" ;;
        "service history") echo "--color --filter --help --home --json --no-headers --output --quiet --sort" ;;
        "service lock") echo "--color --help --home --json --output" ;;
        "service prepare") echo "--color --help --home --json --output" ;;
        "service unlock") echo "--color --help --home --json --output" ;;
        "service reset") echo "--color --help --home --json --output" ;;
        "service exec"|"exec "*) echo "--color --help --home --instance" ;;
        "service shell") echo "--color --help --home --instance --python" ;;
        "service remove"|"service rm"|"rm "*) echo "--all --color --dry-run --help --home --json --no-wait --output --timeout --wait --yes" ;;
        "instance list"|"instance ls") echo "--all --color --filter --help --home --json --no-headers --output --quiet --sort" ;;
        "instance show") echo "--color --help --home --json --output" ;;
        "instance logs") echo "--color --follow --grep --help --home --json --level --lines --output --since --tail --until" ;;
        "instance figures") echo "--color --filter --help --home --json --no-headers --output --quiet --since --sort" ;;
        "instance stop") echo "--color --help --home --json --output" ;;
        "instance kill") echo "--color --help --home --json --output" ;;
        "host list"|"host ls") echo "--color --filter --help --home --json --no-headers --output --quiet --sort" ;;
        "host show") echo "--color --help --home --json --output" ;;
        "host drain") echo "--color --help --home --json --output" ;;
        "host undrain") echo "--color --help --home --json --output" ;;
        "host set") echo "--color --cores --help --home --json --max-instances --output --placement --ram-gb" ;;
        "host edit") echo "--color --help --home --json --output" ;;
        "host enable") echo "--color --help --home --json --output" ;;
        "host disable") echo "--color --help --home --json --output" ;;
        "host remove"|"host rm") echo "--color --force --help --home --json --output --yes" ;;
        "manager run") echo "--color --cores --help --home --host --max-instances --placement --ram-gb --start-method --strategy" ;;
        "manager start") echo "--color --cores --help --home --host --json --keep --max-instances --no-keep --output --placement --ram-gb --start-method --strategy" ;;
        "manager stop") echo "--color --help --home --host --json --output --timeout --with-services" ;;
        "manager restart") echo "--color --help --home --host --json --output" ;;
        "manager status") echo "--color --filter --help --home --json --no-headers --output --quiet --sort" ;;
        "manager logs") echo "--color --help --home --host --json --lines --output --tail" ;;
        "manager install") echo "--color --cores --help --home --host --init --json --max-instances --output --placement --print --ram-gb --start-method --strategy --system" ;;
        "event list"|"event ls") echo "--color --filter --grep --help --home --instance --json --level --lines --no-headers --output --quiet --reason --service --since --sort --tail --until" ;;
        "event watch") echo "--color --grep --help --home --instance --json --level --output --reason --service --since" ;;
        "hook add") echo "--color --debounce --header-file --help --home --json --level --output --reason --service --timeout --url" ;;
        "hook list"|"hook ls") echo "--color --filter --help --home --json --no-headers --output --quiet --sort" ;;
        "hook show") echo "--color --help --home --json --output" ;;
        "hook set") echo "--color --debounce --header-file --help --home --json --level --output --reason --service --timeout --url" ;;
        "hook edit") echo "--color --help --home --json --output" ;;
        "hook enable") echo "--color --help --home --json --output" ;;
        "hook disable") echo "--color --help --home --json --output" ;;
        "hook test") echo "--color --help --home --json --output" ;;
        "hook remove"|"hook rm") echo "--color --help --home --json --output --yes" ;;
        "db types") echo "--color --filter --help --home --json --no-headers --output --quiet --sort" ;;
        "db path") echo "--color --help --home --json --output" ;;
        "db list"|"db ls") echo "--color --filter --help --home --json --lines --newest --no-headers --output --quiet --sort --where" ;;
        "db show") echo "--color --help --home --json --output" ;;
        "db watch") echo "--color --help --home --json --output" ;;
        "db check") echo "--color --filter --help --home --json --no-headers --output --quiet --sort" ;;
        "db backup") echo "--color --force --help --home --json --output" ;;
        "db restore") echo "--color --help --home --json --output --yes" ;;
        "config show") echo "--color --filter --help --home --json --no-headers --origin --output --quiet --sort" ;;
        "config path") echo "--color --help --home --json --output" ;;
        "ps "*) echo "--all --color --filter --help --home --json --no-headers --output --quiet --sort --watch" ;;
        "why "*) echo "--color --help --home --json --output" ;;
        "metrics "*) echo "--color --help --home --listen" ;;
        "tui "*) echo "--color --help --home --no-mouse --readonly --screen --screenshot --size" ;;
        "demo "*) echo "--color --help --home --keep-running" ;;
        "doctor "*) echo "--color --filter --help --home --json --no-headers --output --quiet --sort" ;;
        "completion "*) echo "--color --help --home" ;;
        "version "*) echo "--color --help --home --json --output" ;;
        *) echo "--color --help --home --json --output --version" ;;
    esac
}

_odbctl() {
    local line=${COMP_LINE:0:COMP_POINT} words current shown kept value
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    # What was inserted before has a backslash before each special character.
    words=("${words[@]//\\/}")
    current=${words[${#words[@]}-1]}
    COMPREPLY=()
    if [[ $current == -* ]]; then
        for value in $(_odbctl_options "${words[1]}" "${words[2]}"); do
            [[ $value == "$current"* ]] && COMPREPLY+=("$value")
        done
        return
    fi
    # The line editor keeps what stands before a ':' or '@' of the word.
    shown=${COMP_WORDS[COMP_CWORD]//\\/}
    [[ $shown == [:=@] ]] && shown=
    kept=${current%"$shown"}
    while IFS=$'\t' read -r value _; do
        # Quoted: a name may hold what the shell would run.
        printf -v value '%q' "${value#"$kept"}"
        COMPREPLY+=("$value")
    done < <(odbctl __complete "${words[@]:1}" 2> /dev/null)
}

complete -o default -F _odbctl odbctl

# shellcheck shell=bash
# lib/health_changes.sh - results of healthcheck as jq sees them: are they any, what is known after a look, and what of it is to be told and printed.

# Text for a terminal and a log: control characters, and marks that turn the direction of what follows, are seen and not obeyed.
plain='def plain: gsub("[\\p{Cc}\\x{200e}\\x{200f}\\x{202a}-\\x{202e}\\x{2066}-\\x{2069}]"; "\ufffd");'

# When each part of a result was looked at, in seconds; a part that was never looked at is as old as can be.
# shellcheck disable=SC2016 # jq's variables
looked_at='. as $all | def part($name; is_in): select(any($all.checks[]; is_in)) | try ($all.looked[$name] | fromdateiso8601) catch 0;
  [part("streams"; .check == "stream"), part("rest"; .check != "stream")] |'

# New results over old ones: those that this look could not see stay as they were. Each keeps since when it has been at its level,
# and when that was told last; what is not healthy is told again after $remind seconds. Of results of one name the worst counts.
# shellcheck disable=SC2016 # jq's variables
merge='def key: [.check, .subject]; def seconds: try fromdateiso8601 catch 0;
  def rank: {healthy: 0, degraded: 1, unknown: 2, unhealthy: 3}[.status];
  ($new.time_utc // (now | todate)) as $now | ($new.checks | map(key)) as $seen
  | (reduce $new.checks[] as $one ([]; (map(key | tojson) | index($one | key | tojson)) as $at
      | if $at == null then . + [$one] elif (.[$at] | rank) < ($one | rank) then .[$at] = $one else . end)) as $looks
  | ($looks | any((.check == "repository" and .status != "healthy") or .check == "healthcheck")) as $is_closed
  | (($old.checks // []) | map({(key | tojson): .}) | add // {}) as $before
  | ($old.checks // []) | map(select((key | IN($seen[]) | not) and
      (($mode == "sse-only" and .check != "stream") or ($mode == "health-only" and .check == "stream")
        or ($is_closed and .status != "healthy"))))
  | . + ($looks | map($before[key | tojson] as $was
      | if $was.status == .status and $was.told_utc then
          (($now | seconds) - ($was.told_utc | seconds)) as $age
          | .since_utc = $was.since_utc | .told_utc = (if $age >= 0 and $age < $remind then $was.told_utc else $now end)
        else .since_utc = $now | .told_utc = $now end))
  | {time_utc: $now, checks: ., looked: (($old.looked // {}) + (if $mode == "sse-only" then {} else {rest: $now} end)
      + (if $mode == "health-only" then {} else {streams: $now} end))}
  | .status = ([.checks[].status] | if any(. == "unhealthy") then "unhealthy" elif any(. == "unknown") then "unknown"
      elif any(. == "degraded") then "degraded" elif length == 0 then "unknown" else "healthy" end)'

# One line for each change and each reminder, as severity, key, title and text.
# shellcheck disable=SC2016
changes=$plain'def key: "health:\(.check):\(.subject)"; def name: .check + (if .subject == "" then "" else " \(.subject)" end);
  {healthy: "ok", degraded: "warning", unknown: "warning", unhealthy: "critical"} as $severity
  | (($old.checks // []) | map({(key): .}) | add // {}) as $before | (.checks | map({(key): .}) | add // {}) as $after
  | ((.checks[] | select(.status != ($before[key].status // "healthy"))),
     (.checks[] | select(.status != "healthy" and .status == $before[key].status
         and $before[key].told_utc and .told_utc != $before[key].told_utc)
       | .still = "still " | .message += "\nsince: \(.since_utc)"),
     ($before[] | select($after[key] == null and .status != "healthy")
       | .status = "healthy" | .message = "it is not looked at any more" | .next = null))
  | [$severity[.status], key, ("\(name): \(.still // "")\(.status)" | plain),
     ("\(.message)" + (if .next then "\nnext: \(.next)" else "" end) | split("\n") | map(plain) | join("\n"))] | @json'

is_result() { # <JSON>
  printf '%s' "$1" | jq -es '.[0].checks | all(has("check") and has("status"))' >/dev/null 2>&1
}

is_fresh() { # <JSON>: was every part of it looked at in the last 15 minutes, and none in the future?
  printf '%s' "$1" | jq -e "$looked_at all(. > now - 900 and . < now + 60)" >/dev/null
}

print_state() { # <JSON>
  local filter='.checks[]'
  if "$is_quiet"; then filter='.checks[] | select(.status != "healthy")'; fi
  printf '%s' "$1" | jq -r "$plain \"\\(.status) \\(.time_utc)\", ($filter | \"\\(.status)\\t\\(.check) \\(.subject | @json | plain)\\t\" +
    (.message | @json | plain) + (if .next then \"\\tnext: \\(.next | @json | plain)\" else \"\" end))"
}

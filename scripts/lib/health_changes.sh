# shellcheck shell=bash
# lib/health_changes.sh - jq programs over results of healthcheck: what is known after a look, and what changed by it.

# New results over old ones: those that this look could not see stay as they were.
# shellcheck disable=SC2016 # jq's variables
merge='def key: [.check, .subject]; ($new.checks | map(key)) as $seen
  | ($new.checks | any(.check == "repository" and .status != "healthy")) as $is_closed
  | ($old.checks // []) | map(select((key | IN($seen[]) | not) and
      (($mode == "sse-only" and .check != "stream") or ($mode == "health-only" and .check == "stream")
        or ($is_closed and .status != "healthy"))))
  | . + $new.checks | {time_utc: ($new.time_utc // ""), checks: .}
  | .status = ([.checks[].status] | if any(. == "unhealthy") then "unhealthy" elif any(. == "unknown") then "unknown"
      elif any(. == "degraded") then "degraded" elif length == 0 then "unknown" else "healthy" end)'

# One line for each change, as severity, key, title and text.
# shellcheck disable=SC2016
changes='def key: "health:\(.check):\(.subject)"; def name: .check + (if .subject == "" then "" else " \(.subject)" end);
  {healthy: "ok", degraded: "warning", unknown: "warning", unhealthy: "critical"} as $severity
  | (($old.checks // []) | map({(key): .}) | add // {}) as $before | (.checks | map({(key): .}) | add // {}) as $after
  | ((.checks[] | select(.status != ($before[key].status // "healthy"))),
     ($before[] | select($after[key] == null and .status != "healthy")
       | .status = "healthy" | .message = "it is not looked at any more"))
  | [$severity[.status], key, "\(name): \(.status)",
     "\(.message)" + (if .next then "\nnext: \(.next)" else "" end)] | @json'

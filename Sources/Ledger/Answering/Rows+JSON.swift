package import JSON

extension ListedUser: JSONWritable {
  package func write(to json: inout JSONText) {
    json.beginObject()
    writeMembers(to: &json)
    json.endObject()
  }

  func writeMembers(to json: inout JSONText) {
    json.member("end_user_id", endUser)
    json.member("sessions", sessions)
    summary.writeMembers(to: &json)
    json.member(scores: scores)
  }
}

extension Summary {
  func writeMembers(to json: inout JSONText) {
    json.member("first_event", time: firstEvent)
    json.member("last_event", time: lastEvent)
    json.member("traces", traces)
    json.members(amounts)
    json.member("latency_ms", latency)
    json.member("metadata", object: metadata)
    json.member("models", labels.models)
    json.member("tags", labels.tags)
    json.member("workflows", labels.workflows)
  }
}

extension ListedSession: JSONWritable {
  package func write(to json: inout JSONText) {
    json.beginObject()
    writeMembers(to: &json)
    json.endObject()
  }

  func writeMembers(to json: inout JSONText) {
    json.member("session_id", session)
    json.member("end_user_id", endUser)
    json.member("conflicting_end_users", disagrees)
    json.member("duration_ms", milliseconds: duration)
    summary.writeMembers(to: &json)
    json.member(scores: scores)
  }
}

extension ListedTrace: JSONWritable {
  package func write(to json: inout JSONText) {
    json.beginObject()
    writeMembers(to: &json)
    json.endObject()
  }

  func writeMembers(to json: inout JSONText) {
    json.member("trace_id", trace)
    json.member("session_id", session)
    json.member("end_user_id", endUser)
    json.member("name", name)
    json.member("timestamp", time: timestamp)
    json.member("latency_ms", milliseconds: latency)
    json.member("error", amounts.errors > 0)
    json.members(amounts)
    json.member("metadata", object: metadata)
    json.member("models", models)
    json.member("tags", tags)
    json.member(scores: scores)
  }
}

extension UserDetail: JSONWritable {
  package func write(to json: inout JSONText) {
    json.beginObject()
    user.writeMembers(to: &json)
    json.member("days", days)
    json.member("score_days", scoreDays)
    json.endObject()
  }
}

extension Day: JSONWritable {
  package func write(to json: inout JSONText) {
    json.beginObject()
    json.member("date", LedgerTime.date(day))
    json.member("traces", traces)
    json.members(amounts)
    json.endObject()
  }
}

extension SessionDetail: JSONWritable {
  package func write(to json: inout JSONText) {
    json.beginObject()
    session.writeMembers(to: &json)
    json.member("turns", turns.rows)
    json.member("next_cursor", turns.nextCursor)
    json.endObject()
  }
}

extension TraceDetail: JSONWritable {
  package func write(to json: inout JSONText) {
    json.beginObject()
    trace.writeMembers(to: &json)
    json.member("omitted_observations", omitted)
    json.member("spans", spans)
    if let bodies {
      json.member("bodies", wholeSpans: bodies.rows)
      json.member("next_cursor", bodies.nextCursor)
    }
    if let why {
      json.key("why")
      why.write(to: &json)
    }
    json.endObject()
  }
}

extension SpanNode: JSONWritable {
  package func write(to json: inout JSONText) {
    json.beginObject()
    json.member("span_id", span)
    json.member("parent_span_id", parent)
    json.member("name", name)
    json.member("kind", "\(kind)")
    json.member("start", time: start)
    json.member("duration_ms", milliseconds: duration)
    json.member("status", isError ? "error" : "ok")
    json.member("status_message", statusMessage)
    json.member("model", model)
    json.member("tokens", tokens)
    json.member("cost_usd", dollars: cost)
    json.member("children", children)
    json.endObject()
  }
}

extension MetadataKey: JSONWritable {
  package func write(to json: inout JSONText) {
    json.beginObject()
    json.member("key", key)
    json.member("users", users)
    json.member("traces", traces)
    json.member("examples", examples)
    json.endObject()
  }
}

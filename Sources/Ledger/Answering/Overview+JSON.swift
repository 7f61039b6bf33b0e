package import JSON

extension Overview: JSONWritable {
  package func write(to json: inout JSONText) {
    json.beginObject()
    json.key("totals")
    json.beginObject()
    json.member("users", users)
    json.member("sessions", sessions)
    json.member("traces", traces)
    json.member("anonymous_traces", anonymousTraces)
    json.member("first_event", time: firstEvent)
    json.member("last_event", time: lastEvent)
    json.members(amounts)
    json.member("latency_ms", latency)
    json.endObject()
    json.key("distribution")
    json.beginObject()
    for measure in Measure.allCases {
      json.key(measure.name)
      (distribution[measure] ?? Histogram()).write(to: &json, isDollars: measure == .cost)
    }
    json.endObject()
    json.key("top_users")
    json.beginObject()
    for measure in Measure.allCases { json.member(measure.name, top[measure] ?? []) }
    json.endObject()
    json.key("unpriced_models")
    json.beginArray()
    for (model, calls) in unpriced {
      json.beginObject()
      json.member("model", model)
      json.member("calls", calls)
      json.endObject()
    }
    json.endArray()
    json.endObject()
  }
}

extension Overview.Measure {
  /// As the API calls it.
  package var name: String {
    switch self {
    case .tokens: "tokens"
    case .traces: "traces"
    case .cost: "cost_usd"
    }
  }
}

extension Histogram {
  fileprivate func write(to json: inout JSONText, isDollars: Bool) {
    json.beginObject()
    json.key("buckets")
    json.beginArray()
    for bucket in buckets {
      json.beginObject()
      // The last bucket has no end.
      let end = bucket.to == .max ? nil : bucket.to
      if isDollars {
        json.member("from", dollars: bucket.from)
        json.member("to", dollars: end)
      } else {
        json.member("from", bucket.from)
        json.member("to", end)
      }
      json.member("users", bucket.count)
      json.endObject()
    }
    json.endArray()
    json.member("unknown", unknown)
    json.endObject()
  }
}

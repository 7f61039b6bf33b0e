package import JSON

extension ListedScore: JSONWritable {
  package func write(to json: inout JSONText) {
    json.beginObject()
    json.member("score_id", id)
    json.member("name", name)
    json.member("value", number: number)
    json.member("label", label)
    json.member("data_type", "\(dataType)")
    json.member("source", "\(source)")
    json.member("timestamp", time: timestamp)
    json.member("trace_id", trace)
    json.member("span_id", span)
    json.member("session_id", session)
    json.member("end_user_id", endUser)
    json.member("comment", comment)
    json.member("environment", environment)
    json.member("metadata", object: metadata)
    json.endObject()
  }
}

extension ScoreDay: JSONWritable {
  package func write(to json: inout JSONText) {
    json.beginObject()
    json.member("date", LedgerTime.date(day))
    json.key("scores")
    json.beginObject()
    for summary in scores {
      json.key(summary.name)
      json.beginObject()
      json.member("mean", number: summary.mean)
      json.member("count", summary.count)
      json.endObject()
    }
    json.endObject()
    json.endObject()
  }
}

extension JSONText {
  mutating func member(_ key: String, number: Double?) {
    self.key(key)
    if let number { double(number) } else { null() }
  }

  /// What scores come to, by their names.
  mutating func member(scores: [ScoreSummary]) {
    key("scores")
    beginObject()
    for summary in scores {
      key(summary.name)
      beginObject()
      member("mean", number: summary.mean)
      member("count", summary.count)
      key("latest")
      switch summary.latest {
      case .number(let number): double(number)
      case .label(let label): string(label)
      case nil: null()
      }
      endObject()
    }
    endObject()
  }
}

import EndUser
import Facts
import Filters
import Foundation
import JSON
import OTLP
import TestSupport

@testable import Ledger

/// What a ledger should say, found the slow way: from all distinct spans, each time anew.
struct LedgerModel {
  struct Trace {
    var id: TraceID
    var spans: Set<UInt64> = []
    var records: [UInt8] = []
    var kept = 0
    var omitted: Int64 = 0
    var omittedErrors: Int64 = 0
    var updated: Int64 = 0
    // Found out from the above.
    var facts = OwnedTraceFacts()
    var user: String?
    var session: String?

    var start: Int64 { Int64(facts.start) }
    var end: Int64 { Int64(facts.end) }
    var hex: String { id.hexadecimal }
    var observations: Int64 { Int64(facts.observations) + omitted }
    var errors: Int64 { Int64(facts.errors) + omittedErrors }
    var metadata: String? { facts.metadata.map { String(decoding: $0, as: UTF8.self) } }
    var labels: [String] {
      facts.models.map { "0|\($0)" } + facts.tags.map { "1|\($0)" } + (facts.name.map { ["2|\($0)"] } ?? [])
    }
    var labelSet: String { labels.filter { !$0.hasPrefix("2") }.joined(separator: ",") }
  }

  private let configuration: LedgerConfiguration
  private(set) var traces: [Trace] = []

  init(_ configuration: LedgerConfiguration) {
    self.configuration = configuration
  }

  mutating func add(_ span: TestSpan, at time: Int64) {
    let place = traces.firstIndex { $0.id == span.traceID } ?? traces.count
    if place == traces.count { traces.append(Trace(id: span.traceID)) }
    guard traces[place].spans.insert(span.id).inserted else { return }
    traces[place].updated = time
    if traces[place].kept < configuration.maxSpansPerTree {
      traces[place].kept += 1
      traces[place].records += span.record
    } else if !span.isMarker {
      traces[place].omitted += 1
      if span.isError { traces[place].omittedErrors += 1 }
    }
  }

  mutating func remove(where isGone: (Trace) -> Bool) {
    resolve()
    traces.removeAll(where: isGone)
  }

  /// Finds out what traces are and whose.
  mutating func resolve() {
    for place in traces.indices {
      traces[place].facts = traces[place].records.withUnsafeBytes {
        OwnedTraceFacts(records: $0, prices: configuration.prices, fallback: configuration.fallback)
      }
      traces[place].session =
        traces[place].facts.session ?? (configuration.tracesAreSessions ? traces[place].hex : nil)
    }
    for place in traces.indices {
      let inherited = configuration.inheritsSessionUser ? traces[place].session.flatMap(user(ofSession:)) : nil
      traces[place].user = traces[place].facts.endUser ?? inherited
    }
  }

  private func user(ofSession session: String) -> String? {
    inOrder { $0.session == session }.last { $0.facts.endUser != nil }?.facts.endUser
  }

  /// By their start, those that came first before others.
  private func inOrder(_ isWanted: (Trace) -> Bool) -> [Trace] {
    traces.enumerated().filter { isWanted($0.element) }
      .sorted { ($0.element.start, $0.offset) < ($1.element.start, $1.offset) }.map(\.element)
  }

  // MARK: The tables

  /// Every table, its rows in no order, with what they refer to by number in full.
  mutating func tables() -> [String: [String]] {
    resolve()
    let users = Set(traces.compactMap(\.user))
    let sessions = Set(traces.compactMap(\.session))
    var tables: [String: [String]] = [:]
    tables["traces"] = traces.map(row)
    tables["trees"] = traces.map { "\($0.hex)|\(LedgerFixture.text(.blob($0.records)))" }
    tables["users"] = users.map { user in
      let owned = sessions.count { self.user(ofSession: $0) == user }
      return owner(user, inOrder { $0.user == user }) + "|\(owned)"
    }
    tables["everybody"] = [owner("", inOrder { _ in true }, hasMetadata: false) + "|0"]
    tables["sessions"] = sessions.map(row(ofSession:))
    tables["names"] = Array(Set(traces.flatMap { $0.labels.map { String($0.dropFirst(2)) } + $0.facts.unpriced.keys }))
    tables["metadata"] = groups { $0.metadata.map { [$0] } ?? [] }.map { "\($0)|\($1.count)" }
    tables["metadata_values"] = Set(traces.compactMap(\.metadata)).flatMap(values)
    tables["metadata_shapes"] = shapes(users)
    tables["trace_blocks"] = traces.filter { !$0.labels.isEmpty || $0.metadata != nil }.map {
      [$0.hex, text($0.facts.name), $0.labelSet, text($0.metadata)].joined(separator: "|")
    }
    tables["user_blocks"] = users.compactMap { user in
      inOrder { $0.user == user }.compactMap(\.metadata).last.map { "\(user)|\($0)" }
    }
    tables["session_blocks"] = sessions.compactMap { session in
      inOrder { $0.session == session }.compactMap(\.metadata).last.map { "\(session)|\($0)" }
    }
    tables["label_sets"] = groups { $0.labelSet.isEmpty ? [] : [$0.labelSet] }.map { "\($0)|\($1.count)" }
    tables["labels"] = Set(traces.map(\.labelSet)).flatMap { set in
      Set(set.split(separator: ",")).map { "\($0)|\(set)" }
    }
    let facets = groups { trace in
      var owners: [String] = []
      if let user = trace.user { owners.append("user \(user)") }
      if let session = trace.session { owners.append("session \(session)") }
      return owners.flatMap { owner in trace.labels.map { owner + "|" + $0 } }
    }
    tables["facets"] = Array(facets.keys)
    tables["label counts"] = facets.map { "\($0)|\($1.count)" }
    tables["label counts of all"] = groups(\.labels).map { "\($0)|\($1.count)" }
    let days = groups { trace in
      Set(["", trace.user ?? ""]).map { "\($0)|\(trace.start / 86_400_000_000_000)" }
    }
    tables["days"] = days.map { "\($0)|\(sums($1))" }
    var unpriced: [String: Int] = [:]
    for trace in traces { unpriced.merge(trace.facts.unpriced, uniquingKeysWith: +) }
    tables["unpriced"] = unpriced.map { "\($0)|\($1)" }
    return tables
  }

  /// Of each set of keys: objects that have these, traces, and users who have such an object as their latest.
  private func shapes(_ users: Set<String>) -> [String] {
    let latest = users.compactMap { user in inOrder { $0.user == user }.compactMap(\.metadata).last }
    let objects = Set(traces.compactMap(\.metadata))
    return Dictionary(grouping: objects) { object in
      Set(values(of: object).map { $0.prefix { $0 != "|" } }).sorted().joined(separator: ",")
    }.map { keys, objects in
      let traces = self.traces.count { $0.metadata.map(objects.contains) ?? false }
      return "\(keys.isEmpty ? "-" : keys)|\(objects.count)|\(traces)|\(latest.count(where: objects.contains))"
    }
  }

  private func groups(_ keys: (Trace) -> [String]) -> [String: [Trace]] {
    var groups: [String: [Trace]] = [:]
    for trace in traces { for key in keys(trace) { groups[key, default: []].append(trace) } }
    return groups
  }

  private func row(_ trace: Trace) -> String {
    let tokens = trace.facts.tokens
    let unpriced = trace.facts.unpriced.sorted { $0.key < $1.key }.map { "\($0)=\($1)" }.joined(separator: ",")
    return [
      trace.hex, text(trace.user), text(trace.facts.endUser), text(trace.session), text(trace.facts.name),
      text(trace.metadata), trace.labelSet, String(trace.start), String(trace.end - trace.start),
      String(trace.observations), String(trace.errors), text(tokens.input), text(tokens.output), text(tokens.total),
      text(tokens.cacheRead), text(tokens.cacheWrite), text(tokens.reasoning), text(trace.facts.cost), unpriced,
      String(trace.omitted), String(trace.omittedErrors), String(trace.updated),
    ].joined(separator: "|")
  }

  private func row(ofSession session: String) -> String {
    let owned = inOrder { $0.session == session }
    let named = owned.filter { $0.facts.endUser != nil }
    return [
      owner(session, owned), text(user(ofSession: session)), text(named.last?.start), text(named.last?.hex),
      Set(named.map(\.facts.endUser)).count > 1 ? "1" : "0", String(owned.count - named.count),
      text(owned.map(\.end).max()),
    ].joined(separator: "|")
  }

  private func owner(_ name: String, _ owned: [Trace], hasMetadata: Bool = true) -> String {
    let speaker = hasMetadata ? owned.last { $0.metadata != nil } : nil
    var sketch = LatencySketch()
    for trace in owned { sketch.add(trace.end - trace.start) }
    var padded = sketch.bytes
    padded += [UInt8](repeating: 0, count: (32 - padded.count % 32) % 32)
    return [
      name, sums(owned), text(owned.first?.start), text(owned.last?.start), text(speaker?.metadata),
      text(speaker?.start), text(speaker?.hex), text(sketch.percentile(0.5)), text(sketch.percentile(0.95)),
      text(sketch.percentile(0.99)), LedgerFixture.text(.blob(padded)),
    ].joined(separator: "|")
  }

  private func sums(_ traces: [Trace]) -> String {
    func sum(_ value: (Trace) -> Int64?) -> String {
      let known = traces.compactMap(value)
      return "\(known.reduce(0, +))|\(known.count)"
    }
    return [
      "\(traces.count)|\(traces.reduce(0) { $0 + $1.observations })|\(traces.reduce(0) { $0 + $1.errors })",
      sum(\.facts.tokens.input), sum(\.facts.tokens.output), sum(\.facts.tokens.total), sum(\.facts.tokens.cacheRead),
      sum(\.facts.tokens.cacheWrite), sum(\.facts.tokens.reasoning), sum(\.facts.cost),
    ].joined(separator: "|")
  }

  private func values(of metadata: String) -> [String] {
    guard let document = try? JSONDocument(metadata.utf8), let root = document.root else { return [] }
    var rows: Set<String> = []
    MetadataValues.forEach(in: root) { path, value in
      rows.insert("\(String(decoding: path, as: UTF8.self))|\(String(decoding: value, as: UTF8.self))|\(metadata)")
      return true
    }
    return Array(rows)
  }

  private func text(_ value: String?) -> String { value ?? "-" }
  private func text(_ value: Int64?) -> String { value.map { String($0) } ?? "-" }
}

extension LatencySketch {
  /// What a row has, but for the zeros behind it.
  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    append(to: &bytes)
    return bytes
  }
}

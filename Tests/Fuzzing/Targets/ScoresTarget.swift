import EndUser
import Facts
import Foundation
import JSON
import OTLP
import TestSupport

extension FuzzTarget {
  /// Scores in anybody's bytes: a posted body, records, and the events, attributes and log records of a request.
  static let scores = FuzzTarget(name: "scores") { bytes in
    faultOfBody(bytes) ?? faultOfScoreRecords(bytes) ?? faultOfSpans(bytes) ?? faultOfLogs(bytes)
  }

  private static func faultOfBody(_ bytes: [UInt8]) -> String? {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { memory.deallocate() }
    memory.copyBytes(from: bytes)
    do {
      let request = try ScoresRequest(UnsafeRawBufferPointer(memory), with: JSONDocument(), now: 1)
      let parts =
        switch try JSONSerialization.jsonObject(with: Data(bytes), options: [.fragmentsAllowed]) {
        case let list as [Any]: list.count
        case let object as [String: Any]: (object["batch"] as? [Any])?.count ?? 1
        default: 0
        }
      guard request.scores.count + request.faultCount == parts else { return "parts that nobody answers for" }
      guard request.faults.count == min(request.faultCount, ScoresRequest.mostFaults),
        request.faults.allSatisfy({ !$0.message.isEmpty })
      else { return "faults that nobody is told" }
      guard request.shape != .batch || request.events.count == request.scores.count else { return "events without ids" }
      return request.scores.lazy.compactMap(fault).first
    } catch let error as ScoresRequest.Malformed {
      return error.message.isEmpty ? "a refusal that does not say why" : nil
    } catch {
      return "what is no JSON is read: \(error)"
    }
  }

  private static func faultOfScoreRecords(_ bytes: [UInt8]) -> String? {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { memory.deallocate() }
    memory.copyBytes(from: bytes)
    var scores: [Score] = []
    ScoreRecord.forEach(in: UnsafeRawBufferPointer(memory)) { scores.append($0) }
    return faultOfRecords(of: scores)
  }

  private static func faultOfRecords(of scores: [Score]) -> String? {
    var records: [UInt8] = []
    for score in scores { ScoreRecord.append(score, to: &records) }
    var again: [Score] = []
    let isWhole = records.withUnsafeBytes { ScoreRecord.forEach(in: $0) { again.append($0) } }
    return isWhole && again == scores ? nil : "scores that come out otherwise"
  }

  private static func faultOfSpans(_ request: [UInt8]) -> String? {
    let rules = SpanRules()
    var extractor = FactsExtractor(plan: FactsPlan(EndUserConfiguration(), rules: rules, readsScores: true))
    guard let batch = try? IndexedRequest(request, rules: rules).batch else { return nil }
    for position in 0..<batch.spanCount {
      extractor.extract(batch, at: position) { _ in }
      if let fault = extractor.scores.lazy.compactMap(fault).first ?? faultOfRecords(of: extractor.scores) {
        return fault
      }
    }
    return nil
  }

  private static func faultOfLogs(_ request: [UInt8]) -> String? {
    let rules = SpanRules()
    let scores = LogScores(rules: rules)
    return request.withUnsafeBytes { bytes in
      let index = SpanIndex()
      guard (try? index.fill(from: bytes, signal: .logs, rules: rules)) != nil else { return nil }
      let batch = SpanBatch(bytes: bytes, index: index, interner: ScopeInterner()) { _ in }
      let found = (0..<batch.spanCount).compactMap { scores.score(batch, at: $0, now: 1) }
      return found.lazy.compactMap(fault).first ?? faultOfRecords(of: found)
    }
  }

  /// What `Score` promises and a score does not keep.
  private static func fault(of score: Score) -> String? {
    if score.id.isEmpty || score.name.isEmpty { return "a score without an id or a name" }
    if score.number == nil, score.label == nil { return "a score without a value" }
    if score.number?.isFinite == false { return "a number that is none" }
    if (score.trace == nil) == (score.session == nil) { return "a score about nothing, or about two things" }
    if score.span != nil, score.trace == nil { return "a span without a trace" }
    if score.trace == TraceID.none || score.span == 0 || score.session == "" { return "an id that is none" }
    if score.timestamp > UInt64(Int64.max) { return "a time beyond all times" }
    if score.dataType == .boolean, score.number != 0, score.number != 1 { return "a boolean of \(score.number ?? -1)" }
    if let metadata = score.metadata,
      !((try? JSONSerialization.jsonObject(with: Data(metadata.utf8))) is [String: Any])
    {
      return "metadata that is no object"
    }
    return nil
  }
}

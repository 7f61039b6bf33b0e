import Glibc
import OTLP
import Pipeline
import SelfTelemetry

/// Writes spans, or log records, with the identity of their trace. Holds scratch memory; not to be used by two threads at once.
struct Inheritance {
  private let plan: IdentityPlan
  private let metrics: EndUserMetrics
  private let sieve: (any SpanSieve)?
  private var cuts: [Cut] = []
  private var suffix: [UInt8] = []

  /// - Parameters:
  ///   - plan: the processor's keys.
  ///   - metrics: what it counts.
  ///   - sieve: says which spans are written; nil for all.
  init(plan: IdentityPlan, metrics: EndUserMetrics, sieve: (any SpanSieve)? = nil) {
    self.plan = plan
    self.metrics = metrics
    self.sieve = sieve
  }

  /// Hands spans of one trace on as its identity wants it: calls `spans` with what writes one.
  @inline(__always)
  mutating func write(
    _ identity: Identity?, of trace: TraceID, to writer: Batcher.Writer, spans: ((SpanView) -> Void) -> Void
  ) {
    writer.begin(identity)
    guard sieve == nil else {
      writeSieved(identity, of: trace, to: writer, spans: spans)
      return
    }
    guard let identity else {
      spans { writer.append($0, cuts: UnsafeBufferPointer(start: nil, count: 0), suffix: Self.nothing) }
      return
    }
    let suffix = identity.suffix
    spans { span in
      if span.attributeCount == 0 {
        writer.append(span, cuts: UnsafeBufferPointer(start: nil, count: 0), suffix: suffix)
      } else {
        writeChild(span, identity, to: writer)
      }
    }
  }

  /// Hands log records of one trace on, or those of none.
  mutating func writeLogRecords(
    _ identity: Identity?, of trace: TraceID, to writer: Batcher.Writer, records: ((SpanView) -> Void) -> Void
  ) {
    writer.begin(identity)
    var count = 0
    let suffix = identity?.logSuffix ?? []
    suffix.withUnsafeBytes { suffix in
      records { record in
        count += 1
        if let identity, record.attributeCount > 0 {
          writeReplacing(record, identity, suffix, to: writer)
        } else {
          writer.append(record, cuts: UnsafeBufferPointer(start: nil, count: 0), suffix: suffix)
        }
      }
    }
    guard trace != .none else { return }
    (identity?.hasEndUser ?? false ? metrics.attributedLogRecords : metrics.unattributedLogRecords).add(count)
  }

  /// What doesn't go on is done.
  private mutating func writeSieved(
    _ identity: Identity?, of trace: TraceID, to writer: Batcher.Writer, spans: ((SpanView) -> Void) -> Void
  ) {
    guard let sieve else { return }
    sieve.begin(trace: trace, inherited: identity?.suffix ?? Self.nothing)
    spans { span in
      if !sieve.keeps(SievedSpan(span)) {
        span.markDone()
      } else if let identity {
        writeChild(span, identity, to: writer)
      } else {
        writer.append(span, cuts: UnsafeBufferPointer(start: nil, count: 0), suffix: Self.nothing)
      }
    }
  }

  private static var nothing: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }

  /// A span that has attributes of interest, or speaks for its trace.
  @inline(__always)
  private mutating func writeChild(_ span: SpanView, _ identity: Identity, to writer: Batcher.Writer) {
    guard !identity.isUntouched(span) else {
      writer.append(span, cuts: UnsafeBufferPointer(start: nil, count: 0), suffix: Self.nothing)
      return
    }
    writeReplacing(span, identity, identity.suffix, to: writer)
  }

  /// A span or log record that has attributes of its own under keys that identity knows. What it has already, equal to the last byte,
  /// stays where it is: a span that passes a second time leaves as it came.
  private mutating func writeReplacing(
    _ span: SpanView, _ identity: Identity, _ inherited: UnsafeRawBufferPointer, to writer: Batcher.Writer
  ) {
    cuts.removeAll(keepingCapacity: true)
    suffix.removeAll(keepingCapacity: true)
    let fields = identity.fields
    let hasEndUser = identity.hasEndUser
    var present: UInt64 = 0
    for position in 0..<span.attributeCount {
      let attribute = span.attributes[position]
      let key = span.key(attribute)
      if let match = fields.firstIndex(where: { identity.key(of: $0).equals(key) }) {
        let bit: UInt64 = 1 << UInt64(match)
        if present & bit == 0, Identity.bytes(of: fields[match], in: inherited).equals(span.field(attribute)) {
          present |= bit
        } else {
          cuts.append(Cut(offset: attribute.fieldOffset, length: attribute.fieldLength))
        }
      } else if hasEndUser, plan.traits(of: attribute).onlyEndUser {
        cuts.append(Cut(offset: attribute.fieldOffset, length: attribute.fieldLength))
      }
    }
    if !cuts.isEmpty { metrics.replacedIdentities.add() }
    for (position, field) in fields.enumerated() where present & (1 << UInt64(position)) == 0 {
      suffix.append(contentsOf: Identity.bytes(of: field, in: inherited))
    }
    cuts.withUnsafeBufferPointer { cuts in
      suffix.withUnsafeBytes { writer.append(span, cuts: cuts, suffix: $0) }
    }
  }
}

extension SievedSpan {
  fileprivate init(_ span: SpanView) {
    self.init(
      payload: UnsafeRawBufferPointer(start: span.payload, count: span.length),
      spanID: span.spanID,
      parentID: span.parentID, start: span.start, marks: span.marks, scope: span.scope)
  }
}

extension Batcher.Writer {
  @inline(__always)
  fileprivate func append(_ span: SpanView, cuts: UnsafeBufferPointer<Cut>, suffix: UnsafeRawBufferPointer) {
    append(
      span: span.payload, length: span.length, scope: span.scope, cuts: cuts, suffix: suffix, record: span.record,
      unit: span.unit)
  }
}

/// Writes trace requests into memory that is used again and again: spans are copied from templates, then ids, times and
/// identity are written over.
final class RequestWriter {
  private let numbering: Numbering
  private let templates: SpanTemplates
  private let fault: Traffic.Fault
  private let resource: [UInt8]
  private let scopes: [[UInt8]]
  private let memory: UnsafeMutableRawBufferPointer
  private var position = 0
  /// Bytes of the spans in the last request, without what is around them.
  private(set) var spanBytes = 0

  /// - Parameters:
  ///   - traffic: what to write.
  ///   - templates: its spans.
  ///   - instance: which process the spans come from; each has a resource of its own.
  init(_ traffic: Traffic, templates: SpanTemplates, instance: Int) {
    self.templates = templates
    numbering = traffic.numbering
    fault = traffic.fault
    resource = Self.resource(instance: instance)
    scopes = SpanKind.Library.allCases.map(Self.scope)
    let spans = RequestPlan.spans * (templates.largestSpan + 8)
    memory = .allocate(byteCount: resource.count + spans + 4096, alignment: 16)
  }

  deinit {
    memory.deallocate()
  }

  /// Writes an `ExportTraceServiceRequest`.
  ///
  /// - Returns: the request, until the next one is written.
  func write(_ plan: RequestPlan) -> UnsafeRawBufferPointer {
    position = 0
    spanBytes = 0
    let groups = SpanKind.Library.allCases.map { length(of: $0, plan) }
    let content = zip(groups, scopes).reduce(resource.count) { total, group in
      group.0 == 0 ? total : total + fieldLength(group.0 + group.1.count)
    }
    beginField(1, length: content)
    copy(resource)
    for library in SpanKind.Library.allCases where groups[library.rawValue] > 0 {
      beginField(2, length: groups[library.rawValue] + scopes[library.rawValue].count)
      copy(scopes[library.rawValue])
      write(library, plan)
    }
    return UnsafeRawBufferPointer(rebasing: memory[..<position])
  }

  /// The spans of one library: those that ended first come first.
  private func write(_ library: SpanKind.Library, _ plan: RequestPlan) {
    if library == .application {
      for trace in plan.lateRoots { writeSpan(trace, 0) }
    }
    let rooted = plan.children.upperBound - plan.heldBack
    for trace in plan.children {
      for child in library.children { writeSpan(trace, child) }
      if library == .application && trace < rooted { writeSpan(trace, 0) }
    }
  }

  /// Bytes of what `write` writes for the library.
  private func length(of library: SpanKind.Library, _ plan: RequestPlan) -> Int {
    var length = 0
    if library == .application {
      let rooted = plan.children.dropLast(plan.heldBack)
      for trace in plan.lateRoots { length += fieldLength(template(trace, 0).count) }
      for trace in rooted { length += fieldLength(template(trace, 0).count) }
    }
    for trace in plan.children {
      for child in library.children { length += fieldLength(template(trace, child).count) }
    }
    return length
  }

  @inline(__always)
  private func template(_ trace: Int, _ position: Int) -> SpanTemplate {
    // Not in a row: neighbours in a trace's session should not get the same texts.
    templates[trace &* 7 % templates.variants, position]
  }

  private func writeSpan(_ trace: Int, _ kind: Int) {
    let template = template(trace, kind)
    beginField(2, length: template.count)
    let span = memory.baseAddress! + position
    span.copyMemory(from: templates.memory.baseAddress! + template.start, byteCount: template.count)
    position += template.count
    spanBytes += template.count

    let first = trace * Numbering.spansPerTrace
    let traceID = numbering.traceID(trace)
    span.storeBytes(of: traceID.0, toByteOffset: SpanTemplate.traceID, as: UInt64.self)
    span.storeBytes(of: traceID.1, toByteOffset: SpanTemplate.traceID + 8, as: UInt64.self)
    span.storeBytes(of: numbering.spanID(first + kind), toByteOffset: SpanTemplate.spanID, as: UInt64.self)
    if let offset = template.parentID, let parent = SpanKind.parent(of: kind) {
      span.storeBytes(of: numbering.spanID(first + parent), toByteOffset: offset, as: UInt64.self)
    }
    let start = Self.epoch &+ UInt64(trace) &* 1_000_000 &+ UInt64(kind) &* 40_000_000
    let end = start &+ (kind == 0 ? 900_000_000 : 35_000_000)
    span.storeBytes(of: start, toByteOffset: template.startTime, as: UInt64.self)
    span.storeBytes(of: end, toByteOffset: template.endTime, as: UInt64.self)
    if let offsets = template.identity {
      let stranger = fault == .strangersIdentity && (first + kind) % 1000 == 501
      let identity = numbering.identity(of: stranger ? trace + 1 : trace)
      identity.write(.id, to: span + offsets.id)
      identity.write(.metadata, to: span + offsets.metadata)
      identity.write(.session, to: span + offsets.session)
    }
  }

  /// Nanoseconds since 1970 of the first trace: fixed, so that equal seeds make equal bytes.
  private static let epoch: UInt64 = 1_760_000_000_000_000_000

  /// Bytes of a length-delimited field with a small number.
  @inline(__always)
  private func fieldLength(_ length: Int) -> Int {
    1 + (70 - (UInt64(length) | 1).leadingZeroBitCount) / 7 + length
  }

  @inline(__always)
  private func beginField(_ number: UInt8, length: Int) {
    put(number << 3 | 2)
    var rest = length
    while rest >= 0x80 {
      put(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    put(UInt8(rest))
  }

  @inline(__always)
  private func put(_ byte: UInt8) {
    memory[position] = byte
    position += 1
  }

  private func copy(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { (memory.baseAddress! + position).copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
    position += bytes.count
  }

  /// `ResourceSpans.resource` with its tag: about 300 bytes.
  private static func resource(instance: Int) -> [UInt8] {
    let services = ["support-assistant", "billing-assistant", "search-assistant", "travel-assistant"]
    let attributes = [
      Attribute("service.name", services[instance % services.count]),
      Attribute("service.namespace", "assistants"),
      Attribute("service.instance.id", "assistant-6c9f7d5b8-\(instance)"),
      Attribute("service.version", "2025.41.3"),
      Attribute("telemetry.sdk.language", "python"),
      Attribute("telemetry.sdk.name", "opentelemetry"),
      Attribute("telemetry.sdk.version", "1.38.0"),
      Attribute("deployment.environment.name", "production"),
    ]
    var writer = ProtobufWriter()
    writer.field(1) { resource in
      for attribute in attributes { resource.field(1, bytes: attribute.encoded()) }
    }
    return writer.bytes
  }

  /// `ScopeSpans.scope` with its tag.
  private static func scope(_ library: SpanKind.Library) -> [UInt8] {
    var writer = ProtobufWriter()
    writer.field(1) { scope in
      scope.field(1, string: library.scopeName)
      scope.field(2, string: "0.47.3")
    }
    return writer.bytes
  }
}

import OTLP
import TestSupport
import Testing

/// Spans read one by one: what an index records of them, and the fields that it doesn't.
struct SpanReaderTests {
  @Test(arguments: 0..<12 as Range<UInt64>)
  func `a span is read as it is indexed and decoded`(seed: UInt64) throws {
    var telemetry = RandomTelemetry(seed: 4000 + seed)
    let rules = ReferenceRules.forRandomTelemetry()
    let reader = SpanReader(rules: rules.rules)
    for _ in 0..<60 {
      let spans = (0..<Int.random(in: 1...6, using: &telemetry.random)).map { _ in
        telemetry.span(traceID: telemetry.random.bytes(16), id: telemetry.random.bytes(8))
      }
      let request = telemetry.request(spans)
      let bytes = telemetry.random.once(in: 2) ? request.plain : request.bytes(using: &telemetry.random)
      let batch = try IndexedRequest(bytes, rules: rules.rules).batch
      for position in 0..<batch.spanCount { expectRead(batch, position, reader) }
    }
  }

  private func expectRead(_ batch: SpanBatch, _ position: Int, _ reader: SpanReader) {
    let span = batch.index.spans[position]
    let payload = UnsafeRawBufferPointer(start: batch.payload(of: span), count: Int(span.length))
    // In memory of exactly its size, so that the sanitizer sees a byte too far.
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: payload.count, alignment: 1)
    defer { copy.deallocate() }
    copy.copyMemory(from: payload)
    reader.read(UnsafeRawBufferPointer(copy))

    let fields = DecodedField.all(Array(payload)) ?? []
    let status = fields.filter { $0.number == 15 }.flatMap { DecodedField.all($0.bytes) ?? [] }
    #expect(Array(reader.name) == fields.last { $0.number == 5 }?.bytes ?? [])
    #expect(reader.end == fields.last { $0.number == 8 }?.value ?? 0)
    #expect(Array(reader.statusMessage) == status.last { $0.number == 2 }?.bytes ?? [])
    let events = fields.filter { $0.number == 11 }.map(\.bytes)
    #expect((DecodedField.all(Array(reader.events)) ?? []).filter { $0.number == 11 }.map(\.bytes) == events)
    #expect(reader.events.isEmpty == events.isEmpty)
    #expect(reader.statusCode == status.last { $0.number == 3 }?.value ?? 0)
    #expect(reader.attributes.count == Int(span.attributeCount))
    for (read, place) in zip(reader.attributes, Int(span.attribute)...) {
      let indexed = batch.index.attributes[place]
      #expect(read.key == indexed.key && read.type == indexed.type)
      #expect(read.fieldOffset == indexed.fieldOffset && read.fieldLength == indexed.fieldLength)
      #expect(read.keyOffset == indexed.keyOffset && read.keyLength == indexed.keyLength)
      #expect(read.valueLength == indexed.valueLength)
      // Where nothing is, it doesn't matter where.
      #expect(read.valueLength == 0 || read.valueOffset == indexed.valueOffset)
    }
  }

  @Test func `any number of attributes has room`() {
    let rules = SpanRules()
    let number = rules.number(forPrefix: "key.")
    let reader = SpanReader(rules: rules)
    for count in [3, 500, 70] {
      var span = SpanStub(1)
      span.attributes = (0..<count).map { StubAttribute("key.\($0)", .int(Int64($0))) }
      span.bytes.withUnsafeBytes { bytes in
        reader.read(bytes)
        let values = reader.attributes.map { attribute in
          let start = Int(attribute.valueOffset)
          return Varint.read(UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(attribute.valueLength)]))
        }
        #expect(values == (0..<UInt64(count)).map { $0 })
        #expect(reader.attributes.allSatisfy { $0.key == number })
      }
    }
  }

  /// What a reader learns of one span's keys must not be taken for what the next one's are.
  @Test(arguments: 0..<16 as Range<UInt64>)
  func `keys are told apart however they follow one another`(seed: UInt64) throws {
    var random = SeededGenerator(seed: 7000 + seed)
    let keys = Self.similarKeys.shuffled(using: &random)
    let rules = SpanRules()
    for key in keys where random.once(in: 3) { _ = rules.number(forKey: key) }
    for key in keys where random.once(in: 40) { _ = rules.number(forPrefix: String(key.prefix(4))) }
    let reader = SpanReader(rules: rules)
    // More than a reader remembers, or fewer, or so few that the same ones come again and again.
    let known = [keys.count, 60, 5][Int(seed % 3)]
    for _ in 0..<40 {
      let spans = (1...3 as ClosedRange<UInt64>).map { id in
        var span = SpanStub(id, parent: random.once(in: 2) ? 0 : 1, name: random.once(in: 5) ? "" : "span")
        var place = Int.random(in: 0..<known, using: &random)
        for _ in 0..<Int.random(in: 0...20, using: &random) {
          span.attributes.append(StubAttribute(keys[place], Self.value(&random)))
          // Mostly in the same order; else any, or one that is like the one that is expected.
          place = random.once(in: 5) ? Int.random(in: 0..<known, using: &random) : (place + 1) % known
          if random.once(in: 5) {
            let length = keys[place].utf8.count
            place = (0..<known).filter { keys[$0].utf8.count == length }.randomElement(using: &random) ?? place
          }
        }
        return span
      }
      let batch = try IndexedRequest(SpanStub.request(spans), rules: rules).batch
      #expect(batch.spanCount == spans.count)
      for position in 0..<batch.spanCount { expectRead(batch, position, reader) }
    }
  }

  /// Keys of many lengths, those of one length different in one byte: at the beginning, in the middle, or at the end.
  private static let similarKeys: [String] = {
    let lengths = [
      1, 3, 4, 5, 6, 12, 13, 14, 15, 16, 20, 28, 29, 30, 31, 45, 56, 57, 58, 61, 62, 100, 123, 124, 125, 127, 128,
    ]
    var keys: Set<String> = []
    for length in lengths {
      for place in [0, 3, 13, 15, length / 2, length - 4, length - 1] where 0..<length ~= place {
        for letter in "xy".utf8 {
          var key = [UInt8](repeating: UInt8(ascii: "k"), count: length)
          key[place] = letter
          keys.insert(String(decoding: key, as: UTF8.self))
        }
      }
    }
    return keys.sorted()
  }()

  /// A value of some kind, its text mostly as long as where a length gets another byte.
  private static func value(_ random: inout SeededGenerator) -> StubValue {
    func text(_ count: Int) -> StubValue { .string(String(repeating: "v", count: count)) }
    switch Int.random(in: 0..<9, using: &random) {
    case 0: return .int(Int64(bitPattern: random.next()) >> Int64.random(in: 0...63, using: &random))
    case 1: return .bool(random.once(in: 2))
    case 2: return .double(1.5)
    case 3: return .array(["a", 1])
    case 4: return .kvlist(["a": 1])
    case 5: return .empty
    case 6: return text(Int.random(in: 16_370...16_390, using: &random))
    case 7: return text(Int.random(in: 115...135, using: &random))
    default: return text(Int.random(in: 0...10, using: &random))
    }
  }

  /// Nobody should ask, and nobody comes to harm.
  /// Encoders may write a length in more bytes than it takes.
  @Test(arguments: 1...4)
  func `lengths are read in whatever form they come`(width: Int) {
    let rules = SpanRules()
    let number = rules.number(forKey: "some.key")
    let reader = SpanReader(rules: rules)
    func length(_ value: Int, _ width: Int) -> [UInt8] {
      var bytes: [UInt8] = []
      Varint.append(value, to: &bytes)
      while bytes.count < width {
        bytes[bytes.count - 1] |= 0x80
        bytes.append(0)
      }
      return bytes
    }
    for count in [0, 1, 5, 122, 123, 124, 125, 126, 127, 128, 129, 250, 255, 256, 300, 16_379, 16_384, 20_000] {
      let text = [UInt8](repeating: 7, count: count)
      for (inner, outer) in [(width, 1), (1, width), (width, width)] {
        let value = [0x0A] + length(count, inner) + text
        let pair = [0x0A] + length(8, 1) + Array("some.key".utf8) + [0x12] + length(value.count, outer) + value
        let span = [0x4A] + length(pair.count, outer) + pair
        span.withUnsafeBytes { span in
          reader.read(span)
          let found = reader.attributes.map { Int($0.valueOffset)..<Int($0.valueOffset + $0.valueLength) }
          #expect(found == [span.count - count..<span.count])
          #expect(reader.attributes.allSatisfy { $0.key == number && $0.type == .string })
        }
      }
    }
  }

  @Test(arguments: 0..<8 as Range<UInt64>)
  func `bytes that are no span are read as far as they go`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let reader = SpanReader(rules: ReferenceRules.forRandomTelemetry().rules)
    for _ in 0..<500 {
      let bytes =
        random.once(in: 3) ? random.bytes(50) : SpanStub(3, ["tag": "a", "tag.b": 5]).bytes.mutated(using: &random)
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
      defer { copy.deallocate() }
      copy.copyBytes(from: bytes)
      reader.read(UnsafeRawBufferPointer(copy))
      for attribute in reader.attributes {
        #expect(Int(attribute.valueOffset) + Int(attribute.valueLength) <= bytes.count)
        #expect(Int(attribute.fieldOffset) + Int(attribute.fieldLength) <= bytes.count)
      }
      #expect(reader.name.count + reader.statusMessage.count <= bytes.count)
    }
  }
}

import OTLP
import TestSupport
import Testing

/// The attributes of a resource that the rules ask for.
struct ResourceAttributesTests {
  /// What a resource lends, each as its pattern, key, string and the bytes of its `KeyValue`.
  private static func attributes(
    _ rules: SpanRules, resource fields: [UInt8]...
  ) throws -> [(pattern: String, key: String, value: String, pair: [UInt8])] {
    let request = HandWire.message(1, fields.flatMap { $0 }, HandWire.message(2, HandWire.span()))
    let resource = try IndexedRequest(request, rules: rules).batch.scopes[0].resource
    var found: [(pattern: String, key: String, value: String, pair: [UInt8])] = []
    resource.withAttributes(rules) { header, attributes in
      func bytes(_ offset: UInt32, _ length: UInt32) -> [UInt8] { Array(header[Int(offset)..<Int(offset + length)]) }
      for attribute in attributes {
        found.append(
          (
            rules.patterns[Int(attribute.key)],
            String(decoding: bytes(attribute.keyOffset, attribute.keyLength), as: UTF8.self),
            String(decoding: bytes(attribute.valueOffset, attribute.valueLength), as: UTF8.self),
            bytes(attribute.fieldOffset, attribute.fieldLength)
          ))
      }
    }
    return found
  }

  @Test func `the attributes that are asked for are lent, with their KeyValue`() throws {
    let rules = SpanRules()
    _ = rules.number(forKey: "enduser.id")
    _ = rules.number(forPrefix: "tag.")
    let found = try Self.attributes(
      rules,
      resource: HandWire.text(3, "url"),
      HandWire.message(
        1, HandWire.attribute(1, "service.name", HandWire.text(1, "shop")),
        HandWire.attribute(1, "enduser.id", HandWire.text(1, "ann"))))
    #expect(found.map(\.pattern) == ["enduser.id"])
    #expect(found.map(\.value) == ["ann"])
    #expect(found.map(\.pair) == [HandWire.text(1, "enduser.id") + HandWire.bytes(2, HandWire.text(1, "ann"))])
  }

  @Test func `a resource in two pieces lends the attributes of both, in every form`() throws {
    let rules = SpanRules()
    _ = rules.number(forPrefix: "")
    let backwards = HandWire.message(1, HandWire.bytes(2, HandWire.text(1, "v")), HandWire.text(1, "backwards"))
    let found = try Self.attributes(
      rules,
      resource: HandWire.message(1, backwards, HandWire.number(2, 1)), HandWire.text(3, "url"),
      HandWire.message(1, HandWire.number(99, 1), HandWire.attribute(1, "second", HandWire.text(1, "w"))),
      HandWire.bytes(99, [1]))
    #expect(found.map(\.key) == ["backwards", "second"])
    #expect(found.map(\.value) == ["v", "w"])
  }

  @Test func `a resource without attributes lends none`() throws {
    let rules = SpanRules()
    _ = rules.number(forPrefix: "")
    #expect(try Self.attributes(rules, resource: []).isEmpty)
    #expect(try Self.attributes(rules, resource: HandWire.message(1)).isEmpty)
  }

  @Test func `hundreds of attributes are all lent`() throws {
    let rules = SpanRules()
    _ = rules.number(forPrefix: "tag.")
    _ = rules.number(forKey: "enduser.id")
    let tags = (0..<300).map { "tag.\($0)" }
    let fields = (tags + ["enduser.id"]).flatMap { HandWire.attribute(1, $0, HandWire.text(1, "v")) }
    #expect(try Self.attributes(rules, resource: HandWire.message(1, fields)).map(\.key) == tags + ["enduser.id"])
  }
}

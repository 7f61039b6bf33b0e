import EndUser
import OTLP

/// What the attributes of a span claim.
extension AttributeFacts {
  /// Writes what the span says of whose it is, and what of that counts; nothing where nobody wants to know.
  mutating func writeClaims(of span: Span, _ marks: SpanMarks, _ facts: borrowing SpanFacts) {
    guard let acceptance else { return claims.clear() }
    claims.begin(start: facts.start, accepted: acceptance)
    for position in claimed {
      let traits = identity.traits(of: span.attributes[position])
      if traits.idRank != IdentityPlan.noRank { write(.endUserID, .endUser, position, span, marks, facts) }
      if traits.metadataRank != IdentityPlan.noRank {
        write(.endUserMetadata, .endUserMetadata, position, span, marks, facts)
      }
      if traits.sessionRank != IdentityPlan.noRank { write(.session, .session, position, span, marks, facts) }
    }
    if facts.flags.contains(.endUserFromResource), let (attribute, key) = resource?.endUserAttribute {
      claims.add(
        .endUserID, number: plan.claimNumber(of: attribute), key: key, form: Self.form(attribute), fault: nil,
        isChosen: true, value: facts.endUser, of: facts)
    }
  }

  private mutating func write(
    _ role: Conventions.Role, _ field: Field, _ position: Int, _ span: Span, _ marks: SpanMarks,
    _ facts: borrowing SpanFacts
  ) {
    let attribute = span.attributes[position]
    let form = Self.form(attribute)
    let isChosen = findings.position(of: field) == position
    // What is chosen is among the facts anyway.
    let hasText = !isChosen && (form == .text || form == .int)
    claims.add(
      role, number: plan.claimNumber(of: attribute), key: span.key(attribute), form: form,
      fault: fault(of: attribute, as: role, marks), isChosen: isChosen,
      value: hasText ? text(attribute, span, digits: 2) : SpanFacts.Text(start: nil, count: 0), of: facts)
  }

  private static func form(_ attribute: AttributeEntry) -> SpanClaim.Form {
    switch attribute.type {
    case .string, .empty: .text
    case .int: .int
    case .kvlist: .list
    default: .other
    }
  }

  /// Why an attribute does not count; nil when it could.
  private mutating func fault(
    of attribute: AttributeEntry, as role: Conventions.Role, _ marks: SpanMarks
  ) -> SpanClaim.Fault? {
    let traits = identity.traits(of: attribute)
    let speaks = Self.speaksLikeRoot(marks)
    if traits.rootOnly, !speaks { return .bindsToRoots }
    if !traits.count(asRoot: speaks, marks) { return .meansOperator }
    let isMetadata = role == .endUserMetadata
    switch attribute.type {
    case .empty: return .empty
    case .string where attribute.valueLength == 0: return .empty
    case .string,
      .kvlist where isMetadata:
      if Int(attribute.fieldLength) > plan.maxMetadataBytes { return .tooLong }
      // Metadata is a JSON object.
      return isMetadata && findings.position(of: .endUserMetadata) == nil ? .wrongType : nil
    case .int where !isMetadata: return nil
    default: return .wrongType
    }
  }
}

import OTLP

/// What a span says about the end user, by the rules of its part.
extension IdentityPlan {
  /// What a root says: its identity and the attributes to hand down. A local root speaks like a root.
  func rootParts(_ root: SpanView) -> IdentityParts {
    var parts = speakerParts(root, asRoot: true)
    for position in 0..<root.attributeCount {
      let attribute = root.attributes[position]
      if inherits(attribute, key: root.key(attribute)) { parts.add(attribute, of: root, as: .inherited) }
    }
    return parts
  }

  /// What a span below the root says when the root names nobody: keys that bind to roots alone don't count.
  func candidateParts(_ span: SpanView) -> IdentityParts {
    speakerParts(span, asRoot: false)
  }

  /// Whether the span names an end user.
  @inline(__always)
  func namesEndUser(_ span: SpanView, asRoot: Bool) -> Bool {
    span.attributeCount > 0 && Choice(span, asRoot: asRoot, plan: self).id != nil
  }

  /// The process-wide default that a root's resource names.
  func resourceParts(_ resource: Resource) -> IdentityParts {
    var parts = IdentityParts(limit: maxBytes)
    resource.withAttributes(rules) { header, attributes in
      let best =
        attributes
        .filter { traits(of: $0).resourceRank != Self.noRank && isUsable($0) }
        .min { traits(of: $0).resourceRank < traits(of: $1).resourceRank }
      if let best { parts.add(best, ofResource: header, as: .endUserID) }
    }
    return parts
  }

  /// What the headers say that came with a root.
  func headerParts(_ origin: RequestOrigin?) -> IdentityParts {
    var parts = IdentityParts(limit: maxBytes)
    guard let origin else { return parts }
    for (name, key, role) in headers {
      if let value = origin.header(name) { parts.add(value, forKey: key, as: role) }
    }
    return parts
  }

  private func speakerParts(_ span: SpanView, asRoot: Bool) -> IdentityParts {
    var parts = IdentityParts(limit: maxBytes)
    let choice = Choice(span, asRoot: asRoot, plan: self)
    if let id = choice.id { parts.add(id, of: span, as: .endUserID) }
    if let metadata = choice.metadata { parts.add(metadata, of: span, as: .metadata) }
    if let session = choice.session { parts.add(session, of: span, as: .session) }
    return parts
  }

  /// For each role the attribute of the first key in its order that has a usable value on a span.
  private struct Choice {
    private(set) var id: AttributeEntry?
    private(set) var metadata: AttributeEntry?
    private(set) var session: AttributeEntry?

    init(_ span: SpanView, asRoot: Bool, plan: IdentityPlan) {
      var best = Traits()
      for position in 0..<span.attributeCount {
        let attribute = span.attributes[position]
        let traits = plan.traits(of: attribute)
        guard traits.count(asRoot: asRoot, span.marks) else { continue }
        if traits.metadataRank < best.metadataRank, plan.isUsableMetadata(attribute) {
          (best.metadataRank, metadata) = (traits.metadataRank, attribute)
        }
        guard plan.isUsable(attribute) else { continue }
        if traits.idRank < best.idRank { (best.idRank, id) = (traits.idRank, attribute) }
        if traits.sessionRank < best.sessionRank { (best.sessionRank, session) = (traits.sessionRank, attribute) }
      }
    }
  }
}

/// The messages of protobuf that the language knows as its own values, written as literals.
///
/// Standard: CEL language definition, "JSON Data Conversion" and "Wrapper types".
enum WellKnownMessages {
    static let structures: [String: CELStructure] = [
        "google.protobuf.BoolValue": wrapper(.bool, .bool(false)),
        "google.protobuf.BytesValue": wrapper(.bytes, .bytes([])),
        "google.protobuf.DoubleValue": wrapper(.double, .double(0)),
        "google.protobuf.FloatValue": wrapper(.double, .double(0)) { value in
            if case .double(let number) = value { .double(Double(Float(number))) } else { value }
        },
        "google.protobuf.Int32Value": wrapper(.int, .int(0)) { value in
            guard case .int(let whole) = value else { return value }
            return Int32(exactly: whole) == nil ? .error(.rangeError) : value
        },
        "google.protobuf.Int64Value": wrapper(.int, .int(0)),
        "google.protobuf.UInt32Value": wrapper(.uint, .uint(0)) { value in
            guard case .uint(let whole) = value else { return value }
            return UInt32(exactly: whole) == nil ? .error(.rangeError) : value
        },
        "google.protobuf.UInt64Value": wrapper(.uint, .uint(0)),
        "google.protobuf.StringValue": wrapper(.string, .string("")),
        "google.protobuf.ListValue": CELStructure(fields: ["values": .list(.dyn)]) { fields in
            fields["values"].map(CELNumber.json) ?? .list(.values([]))
        },
        "google.protobuf.Struct": CELStructure(fields: ["fields": .map(.string, .dyn)]) { fields in
            fields["fields"].map(CELNumber.json) ?? .map(CELMap())
        },
        "google.protobuf.Value": CELStructure(
            fields: [
                "null_value": .int, "number_value": .double, "string_value": .string, "bool_value": .bool,
                "struct_value": .map(.string, .dyn), "list_value": .list(.dyn),
            ]
        ) { fields in
            if fields["null_value"] != nil { return .null }
            return fields.values.first.map(CELNumber.json) ?? .null
        },
        "google.protobuf.Timestamp": CELStructure(fields: ["seconds": .int, "nanos": .int]) { fields in
            let moment = CELTimestamp(seconds: whole(fields["seconds"]), nanoseconds: whole(fields["nanos"]))
            return moment.isInRange ? .timestamp(moment) : .error(.timestampOverflow)
        },
        "google.protobuf.Duration": CELStructure(fields: ["seconds": .int, "nanos": .int]) { fields in
            let (product, overflow) = whole(fields["seconds"]).multipliedReportingOverflow(by: 1_000_000_000)
            let (sum, over) = product.addingReportingOverflow(whole(fields["nanos"]))
            return overflow || over ? .error(.durationOverflow) : .duration(sum)
        },
    ]

    private static func whole(_ value: CELValue?) -> Int64 {
        if case .int(let whole) = value { return whole }
        return 0
    }

    private static func wrapper(
        _ type: CELType, _ zero: CELValue, _ convert: @escaping @Sendable (CELValue) -> CELValue = { $0 }
    ) -> CELStructure {
        CELStructure(fields: ["value": type]) { fields in fields["value"].map(convert) ?? zero }
    }
}

extension CELNumber {
    /// A value as JSON would hold it: every number a double.
    static func json(_ value: CELValue) -> CELValue {
        switch value {
        case .int(let whole): return .double(Double(whole))
        case .uint(let whole): return .double(Double(whole))
        case .list(let list): return .list(.values(list.values.map(json)))
        case .map(let map):
            var entries = CELEntries()
            for key in map.keys { entries.insert(json(map[key] ?? .null), for: key) }
            return .map(.entries(entries))
        default: return value
        }
    }
}

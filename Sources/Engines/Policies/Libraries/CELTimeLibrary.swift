/// Moments and durations.
enum CELTimeLibrary {
    static let functions: [CELFunction] = conversions + accessors

    private static let conversions: [CELFunction] = [
        CELFunction(
            "timestamp",
            [
                CELOverload("timestamp_to_timestamp", [.timestamp], .timestamp),
                CELOverload("int64_to_timestamp", [.int], .timestamp),
                CELOverload("string_to_timestamp", [.string], .timestamp),
            ]
        ) { values in
            switch values[0] {
            case .timestamp: return values[0]
            case .int(let seconds):
                let moment = CELTimestamp(seconds: seconds, nanoseconds: 0)
                return moment.isInRange ? .timestamp(moment) : .error(.timestampOverflow)
            case .string(let text):
                return CELTimestamp(text).map(CELValue.timestamp)
                    ?? .error(CELError("type conversion error from 'string' to 'google.protobuf.Timestamp'"))
            default: return .error(.noSuchOverload)
            }
        },
        CELFunction(
            "duration",
            [
                CELOverload("duration_to_duration", [.duration], .duration),
                CELOverload("int64_to_duration", [.int], .duration),
                CELOverload("string_to_duration", [.string], .duration),
            ]
        ) { values in
            switch values[0] {
            case .duration: return values[0]
            case .int(let nanoseconds): return .duration(nanoseconds)
            case .string(let text):
                return CELDuration.parse(text).map(CELValue.duration)
                    ?? .error(CELError("type conversion error from 'string' to 'google.protobuf.Duration'"))
            default: return .error(.noSuchOverload)
            }
        },
    ]

    private static func accessor(
        _ name: String, _ id: String, duration: String? = nil, withZone: String? = nil,
        _ part: @escaping @Sendable (CELCalendar, CELTimestamp) -> Int64,
        ofDuration: (@Sendable (Int64) -> Int64)? = nil
    ) -> CELFunction {
        var overloads: [CELOverload] = [
            .member(id, [.timestamp], .int), .member(withZone ?? "\(id)_with_tz", [.timestamp, .string], .int),
        ]
        if let duration { overloads.append(.member(duration, [.duration], .int)) }
        return CELFunction(name, overloads) { values in
            switch values[0] {
            case .timestamp(let moment):
                var offset: Int64 = 0
                if values.count > 1 {
                    guard case .string(let zone) = values[1] else { return .error(.noSuchOverload) }
                    guard let known = moment.offset(of: zone) else {
                        return .error(CELError("unknown time zone \(zone)"))
                    }
                    offset = known
                }
                return .int(part(moment.parts(offset: offset), moment))
            case .duration(let value):
                guard let ofDuration, values.count == 1 else { return .error(.noSuchOverload) }
                return .int(ofDuration(value))
            default: return .error(.noSuchOverload)
            }
        }
    }

    private static let accessors: [CELFunction] = [
        accessor("getFullYear", "timestamp_to_year") { calendar, _ in calendar.year },
        accessor("getMonth", "timestamp_to_month") { calendar, _ in calendar.month - 1 },
        accessor("getDayOfYear", "timestamp_to_day_of_year") { calendar, _ in calendar.dayOfYear },
        accessor("getDayOfMonth", "timestamp_to_day_of_month") { calendar, _ in calendar.dayOfMonth - 1 },
        accessor("getDate", "timestamp_to_day_of_month_1_based") { calendar, _ in calendar.dayOfMonth },
        accessor("getDayOfWeek", "timestamp_to_day_of_week") { calendar, _ in calendar.dayOfWeek },
        accessor("getHours", "timestamp_to_hours", duration: "duration_to_hours") { calendar, _ in
            calendar.hour
        } ofDuration: {
            $0 / 3_600_000_000_000
        },
        accessor("getMinutes", "timestamp_to_minutes", duration: "duration_to_minutes") { calendar, _ in
            calendar.minute
        } ofDuration: {
            $0 / 60_000_000_000
        },
        accessor(
            "getSeconds", "timestamp_to_seconds", duration: "duration_to_seconds", withZone: "timestamp_to_seconds_tz"
        ) { calendar, _ in
            calendar.second
        } ofDuration: {
            $0 / 1_000_000_000
        },
        accessor("getMilliseconds", "timestamp_to_milliseconds", duration: "duration_to_milliseconds") {
            _, moment in
            moment.nanoseconds / 1_000_000
        } ofDuration: {
            $0 / 1_000_000 % 1000
        },
    ]
}

import Kubernetes

/// CronJobs that run more seldom than a log is long: that their accounts were not seen says nothing.
struct SeldomJobs: Sendable {
    private var reasons: [Subject: String] = [:]

    init(_ objects: [KubernetesObject], logDays: Int) {
        for object in objects where object.is("CronJob", of: "batch") {
            let schedule = object.node["spec"]["schedule"].string ?? ""
            let interval = Self.days(between: schedule)
            guard interval > logDays, let spec = object.podTemplates.first?.spec else { continue }
            let subject = Subject(.serviceAccount, namespace: object.namespace, spec.serviceAccountName)
            reasons[subject] =
                "CronJob \(object.namespace)/\(object.name) runs by \"\(schedule)\", up to \(interval) days apart; "
                + "the log covers \(logDays)"
        }
    }

    func reason(for subject: Subject) -> String? { reasons[subject] }

    /// The most days between two runs of a schedule, as far as its fields say: month, day of the month, of the week.
    static func days(between schedule: String) -> Int {
        switch schedule.trimmed {
        case "@yearly", "@annually": return 366
        case "@monthly": return 31
        case "@weekly": return 7
        default: break
        }
        let fields = schedule.split(separator: " ").filter { !$0.hasPrefix("TZ=") && !$0.hasPrefix("CRON_TZ=") }
        guard fields.count == 5 else { return 1 }
        func isAny(_ field: Substring) -> Bool { field == "*" || field == "?" || field == "*/1" }
        if !isAny(fields[3]) { return 366 }
        // Where both are given, either is enough (crontab).
        if !isAny(fields[4]) { return 7 }
        return isAny(fields[2]) ? 1 : 31
    }
}

extension String {
    fileprivate var trimmed: Substring {
        drop { $0 == " " }.prefix { $0 != " " }
    }
}

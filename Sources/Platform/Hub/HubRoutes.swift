/// Every route of the hub, area by area; a new area adds one line.
package enum HubRoutes {
    package static func all() -> [Route] {
        HealthRoutes.all + SessionRoutes.all + ClusterRoutes.all + FindingRoutes.all + WorkloadRoutes.all
            + RuleRoutes.all + WaiverRoutes.all + AlertRoutes.all + NotifierRoutes.all + EventRoutes.all
            + IngestRoutes.all
            + UserRoutes.all + TokenRoutes.all
            + AgentRoutes.all + ConnectionRoutes.all + ExportRoutes.all + OpenIDRoutes.all
            + AuditRoutes.all + DashboardRoutes.all
    }
}

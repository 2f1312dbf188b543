/// Every screen of the dashboard.
enum DashboardRoutes {
    static let all: [Route] =
        DashboardAssets.routes + LoginScreens.all + FixFirstScreen.all + FleetScreens.all + FindingScreens.all
        + WorkloadScreens.all + VulnerabilityScreens.all + NetworkScreens.all
        + IdentityScreens.all + PathScreens.all + ComplianceScreens.all + AlertScreens.all + SettingsScreens.all
        + SearchScreen.all
}

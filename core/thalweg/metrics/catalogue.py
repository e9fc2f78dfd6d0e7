"""The metric catalogue: one table that the API, the dashboards' help texts and the documentation are made from."""

"""CloudWatch, as far as metrics go: what services counted and programs sent, read back.

Source: botocore's model cloudwatch/2010-08-01; CloudWatch API Reference.
"""

from interstate.services.cloudwatch import data, listing, put, statistics, upkeep
from interstate.services.operation import Operation, Service, Step

SERVICE = Service(
    "cloudwatch",
    operations=(
        Operation("GetMetricData", data.GetMetricData, data.get_metric_data, reads=True),
        Operation("GetMetricStatistics", statistics.GetMetricStatistics, statistics.get_metric_statistics, reads=True),
        Operation("ListMetrics", listing.ListMetrics, listing.list_metrics, reads=True),
        Operation("PutMetricData", put.PutMetricData, put.put_metric_data),
    ),
    steps=(Step("cloudwatch.sweep", upkeep.MetricSweep, upkeep.sweep, pulls=False),),
    notes={
        "GetMetricData": "Metric math and percentiles are refused by name.",
        "GetMetricStatistics": "Periods of 60 s and more; percentiles are refused by name.",
        "PutMetricData": "Points are kept by the minute, whatever StorageResolution says.",
    },
)

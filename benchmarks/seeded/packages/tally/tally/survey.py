"""Questions asked of a survey."""

from tally.bins import Bins
from tally.groups import Groups, pivot
from tally.measures import count, mean, median, share, weighted_mean
from tally.weights import weigh


class Survey:
    """Answers with, for each person, an age and a town."""

    def __init__(self, table, ages=(18, 40, 65)):
        bins = Bins(ages)
        self.table = table.with_column("class", lambda row: bins.label(row["age"]))

    def by(self, column, question):
        """For each group: how many answered, their mean and median."""
        grouped = Groups(self.table, [column])
        return grouped.aggregate(answers=(question, count), mean=(question, mean), median=(question, median))

    def agreement(self, question, answer="yes"):
        """By town and class of age, the share of those who gave an answer."""
        return pivot(self.table, "town", "class", question, lambda values: share(values, answer))

    def weighted(self, question, column, shares):
        """The mean of a question as if the groups of a column had some shares."""
        weighed = weigh(self.table, column, shares)
        return weighted_mean(weighed.column(question), weighed.column("weight"))

    def without_silent(self, question):
        """The survey of those who answered a question."""
        rest = Survey.__new__(Survey)
        rest.table = self.table.where(lambda row: row[question] is not None)
        return rest
